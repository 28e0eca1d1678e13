import type {Configuration, Settings} from './configuration.ts';

/** What holds where the configuration says nothing. */
export const DEFAULT_SETTINGS: Settings = {
  prefetch: true,
  onFailure: 'quit',
  idleExit: undefined,
  entra: {authorityHost: 'https://login.microsoftonline.com', disableInstanceDiscovery: false},
  sockets: [],
  submodules: [],
  sshProxyCommand: undefined,
  metricsListen: undefined,
  audit: {maxSize: 10 * 1024 * 1024, files: 5},
};

/** Nothing is configured: every request is passed on. */
export const NO_CONFIGURATION: Configuration = {
  source: 'none',
  bindings: [],
  settings: DEFAULT_SETTINGS,
  warnings: [],
  files: [],
  hash: 'none',
  validity: undefined,
};
