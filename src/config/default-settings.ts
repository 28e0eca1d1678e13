import {buildSettings} from './build/build-settings.ts';
import type {Configuration, Settings} from './configuration.ts';
import {DEFAULTS, readSection} from './shape/collections.ts';
import {ORGKEY} from './shape/keys.ts';

/** The settings of a configuration that says nothing. */
export const DEFAULT_SETTINGS: Settings = buildSettings(readSection(undefined, ORGKEY, DEFAULTS), DEFAULTS);

/** Nothing is configured: every request is passed on. */
export const NO_CONFIGURATION: Configuration = {
  source: 'none',
  bindings: [],
  settings: DEFAULT_SETTINGS,
  warnings: [],
  problems: [],
  kept: undefined,
  files: [],
  hash: 'none',
  isEmpty: true,
};
