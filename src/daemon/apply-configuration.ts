import type {Problem} from '../config/configuration.ts';
import {ConfigurationWatcher} from '../config/watch-configuration.ts';
import {startTimer} from '../start-timer.ts';
import {messageOf} from '../text/orgkey-error.ts';
import type {Log} from './record/log.ts';
import type {ConfigurationInForce} from './supply/configuration-in-force.ts';
import {countOf} from '../text/count-of.ts';

export interface Reading {
  /** When it began, in milliseconds since epoch. */
  readonly since: number;
  readonly isNew: boolean;
  /** Why it is not, or what is wrong with parts of it, which are left out. */
  readonly problems: readonly Problem[];
}

/** A part of the daemon that acts on the configuration. */
export interface Follower {
  readonly name: string;
  /** Whether git waits for it when the daemon starts. The others follow after the first answer. */
  readonly isBeforeGit: boolean;
  /** Called after each reading, including one with problems: what failed before is tried again. */
  readonly follow: (reading: Reading) => void | Promise<void>;
}

interface AppliedConfigurationParts {
  readonly inForce: Pick<
    ConfigurationInForce,
    'reload' | 'configuration' | 'bindings' | 'problems' | 'files'
  >;
  /** Called in this order. */
  readonly followers: readonly Follower[];
  readonly log: Log;
  readonly onUnexpected: (error: unknown) => void;
}

/** Reads the configuration, and has every follower act on it: the same list at the start and at each reload. */
export class AppliedConfiguration {
  readonly #parts: AppliedConfigurationParts;
  readonly #watcher: ConfigurationWatcher;

  constructor(parts: AppliedConfigurationParts) {
    this.#parts = parts;
    this.#watcher = new ConfigurationWatcher({
      onChange: () => this.reloadInBackground(),
      onFailure: (error) => parts.log('warn', `the configuration is not watched: ${messageOf(error)}`),
      after: startTimer,
    });
  }

  /** Does everything that git waits for. A start calls `finish` once git is answered. */
  async begin(): Promise<Reading> {
    const {inForce, log} = this.#parts;
    const since = Date.now();
    await this.#watcher.note();
    const isNew = await inForce.reload();
    const problems = [...inForce.problems, ...(isNew ? inForce.configuration.problems : [])];
    const reading = {since, isNew, problems};
    this.#reportProblems(reading);
    await this.#follow(reading, true);
    const {configuration, bindings} = inForce;
    const count = countOf(bindings.all.length, 'credential');
    if (isNew) log('info', `configuration: ${configuration.source}: ${count}`);
    return reading;
  }

  /** Does the rest, and watches the files that were read. */
  async finish(reading: Reading): Promise<void> {
    await this.#follow(reading, false);
    await this.#watcher.watch(this.#parts.inForce.files, reading.since);
  }

  /** Returns what is wrong with the configuration, or parts of it. What is not in force for that is in the status. */
  async reload(): Promise<readonly Problem[]> {
    const reading = await this.begin();
    await this.finish(reading);
    return reading.problems;
  }

  reloadInBackground(): void {
    void this.reload().catch(this.#parts.onUnexpected);
  }

  close(): void {
    this.#watcher.close();
  }

  async #follow(reading: Reading, isBeforeGit: boolean): Promise<void> {
    for (const follower of this.#parts.followers)
      if (follower.isBeforeGit === isBeforeGit) await follower.follow(reading);
  }

  #reportProblems({isNew, problems}: Reading): void {
    const {inForce, log} = this.#parts;
    const warnings = isNew ? inForce.configuration.warnings : [];
    for (const {place, message} of problems) log('error', `configuration: ${place}: ${message}`);
    for (const {place, message} of warnings) log('warn', `configuration: ${place}: ${message}`);
  }
}
