// A test runner for Stryker. ava starts a process per file, a second each; here all tests of the core run in one
// process, so that thousands of mutants take minutes.
import {globSync} from 'node:fs';
import {registerHooks} from 'node:module';
import {resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {declareClassPlugin, PluginKind} from '@stryker-mutator/api/plugin';
import {
  DryRunStatus,
  MutantRunStatus,
  TestStatus,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
} from '@stryker-mutator/api/test-runner';
import {declared, type SmallTest} from './small-ava.ts';

/** Tests that start programs or try thousands of random inputs would take most of the time, and find little more. */
const LEFT_OUT = /beside-git|anything/;
/** Tests that need more processor time are left out, in milliseconds: they would run for every survivor. */
const SLOW = 100;

interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: TestCoverage;
}
type TestCoverage = NonNullable<Extract<DryRunResult, {status: DryRunStatus.Complete}>['mutantCoverage']>;

class CoreRunner implements TestRunner {
  readonly #tests = new Map<string, SmallTest>();
  #isLoaded = false;

  capabilities() {
    return {reloadEnvironment: false};
  }

  async dryRun(): Promise<DryRunResult> {
    await this.#load();
    const results: TestResult[] = [];
    for (const [id, test] of this.#tests) {
      stryker().currentTestId = id;
      const first = await failureOf(test);
      const start = process.cpuUsage();
      const failure = first ?? (await failureOf(test));
      const timeSpentMs = process.cpuUsage(start).user / 1_000;
      // A test that cannot be repeated in one process says nothing about a mutant
      if (failure !== undefined || timeSpentMs > SLOW) {
        this.#tests.delete(id);
        console.error(`left out: ${id}: ${failure ?? 'too slow'}`);
        continue;
      }
      results.push({id, name: id, status: TestStatus.Success, timeSpentMs});
    }
    stryker().currentTestId = undefined;
    const {mutantCoverage} = stryker();
    return {status: DryRunStatus.Complete, tests: results, ...(mutantCoverage && {mutantCoverage})};
  }

  async mutantRun({activeMutant, testFilter, mutantActivation}: MutantRunOptions): Promise<MutantRunResult> {
    if (mutantActivation === 'static') stryker().activeMutant = activeMutant.id;
    try {
      await this.#load();
    } catch (error) {
      return {
        status: MutantRunStatus.Killed,
        killedBy: ['load'],
        failureMessage: String(error),
        nrOfTests: 0,
      };
    }
    stryker().activeMutant = activeMutant.id;
    let nrOfTests = 0;
    for (const id of testFilter ?? this.#tests.keys()) {
      const test = this.#tests.get(id);
      if (!test) continue;
      nrOfTests++;
      const failureMessage = await failureOf(test);
      if (failureMessage !== undefined)
        return {status: MutantRunStatus.Killed, killedBy: [id], failureMessage, nrOfTests};
    }
    return {status: MutantRunStatus.Survived, nrOfTests};
  }

  /** Imports all test files of the core below the current directory, Stryker's copy of the project. */
  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const folders = 'answer,identity,login,organization,protocol,secret,submodule,token';
    for (const file of globSync(`test/{${folders}}/**/*.test.ts`).toSorted()) {
      if (LEFT_OUT.test(file)) continue;
      await import(pathToFileURL(resolve(file)).href);
      for (const test of declared.splice(0)) this.#tests.set(`${file}: ${test.title}`, test);
    }
  }
}

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'ava') return next(specifier, context);
    return {
      url: new URL('small-ava.ts', import.meta.url).href,
      format: 'module-typescript',
      shortCircuit: true,
    };
  },
});

function stryker(): Switch {
  const shared = globalThis as {__stryker__?: Switch};
  shared.__stryker__ ??= {};
  return shared.__stryker__;
}

async function failureOf(test: SmallTest): Promise<string | undefined> {
  try {
    await test.run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'core', CoreRunner)];
