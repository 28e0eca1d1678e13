import {buildSettings} from './build/build-settings.ts';
import type {Configuration, Settings} from './configuration.ts';
import {DEFAULTS, readSection} from './shape/collections.ts';
import {ORGKEY} from './shape/keys.ts';

export function defaultSettings(): Settings {
  defaults ??= buildSettings(readSection(undefined, ORGKEY, DEFAULTS), DEFAULTS);
  return defaults;
}

let defaults: Settings | undefined;

/** Nothing is configured: every request is passed on. */
export const NO_CONFIGURATION: Configuration = {
  source: 'none',
  bindings: [],
  // a daemon with a configuration never needs them
  get settings() {
    return defaultSettings();
  },
  warnings: [],
  problems: [],
  kept: undefined,
  files: [],
  hash: 'none',
  isEmpty: true,
};
