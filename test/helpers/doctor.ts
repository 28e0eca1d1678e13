import type {ExecutionContext} from 'ava';
import type {Diagnostic} from '../../src/diagnostics/diagnostic.ts';
import {type Cloud} from '../cloud/cloud.ts';
import {Person, type RunOptions} from './command-line.ts';
import {helper, type TestDaemon, daemonFor} from './daemon.ts';
import {helperValue} from '../../src/git/setting.ts';
import {cloudFor} from './cloud-for.ts';

/** The output of `orgkey doctor --json`. */
interface Findings {
  readonly code: number | string;
  readonly healthy: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** The findings of a group, by title, as `outcome: detail → repair`. */
  readonly of: (group: string, title?: string) => string;
}

/** A user whose git asks a real daemon, with the test cloud behind a proxy. */
export interface Patient {
  readonly cloud: Cloud;
  readonly daemon: TestDaemon;
  readonly person: Person;
  /** `orgkey doctor WORDS --json`. */
  readonly examine: (words?: readonly string[], options?: RunOptions) => Promise<Findings>;
}

/** What the configuration contains, in YAML's flow style: credentials of dev.azure.com, other hosts, other sections. */
export interface Written {
  readonly credentials: string;
  readonly servers?: readonly string[];
  readonly more?: string;
}

/** `configure` makes the organizations, and writes the configuration. */
export async function patientOf(
  t: ExecutionContext,
  configure: (cloud: Cloud) => Written,
  environment: Readonly<Record<string, string>> = {},
): Promise<Patient> {
  const cloud = await cloudFor(t);
  const {credentials, servers = [], more = ''} = configure(cloud);
  const hosts = [`{credentials: [${credentials}]}`, ...servers].join(', ');
  const configuration = `integrations: {azure: [${hosts}]}\n${more}`;
  const daemon = await daemonFor(t, {configuration, environment: cloud.environment()});
  const person = new Person(t, {
    ...cloud.environment(),
    ...daemon.environment,
    ORGKEY_CONFIG: daemon.configFile,
    ...environment,
  });
  await person.git(['config', '--global', 'credential.https://dev.azure.com.helper', helperValue(helper)]);
  await person.git(['config', '--global', 'credential.https://dev.azure.com.useHttpPath', 'true']);
  return {
    cloud,
    daemon,
    person,
    examine: async (words = [], options = {}) => {
      const {code, stdout, stderr} = await person.run('doctor', [...words, '--json'], options);
      if (!stdout.startsWith('{')) throw new Error(`doctor: ${String(code)}: ${stdout}${stderr}`);
      return findingsOf(code, JSON.parse(stdout));
    },
  };
}

function findingsOf(
  code: Findings['code'],
  {healthy, diagnostics}: Pick<Findings, 'healthy' | 'diagnostics'>,
): Findings {
  return {
    code,
    healthy,
    diagnostics,
    of: (group, title) => describe(diagnostics, group, title),
  };
}

/** One line for each: `outcome: detail → repair`. */
function describe(diagnostics: readonly Diagnostic[], group: string, title?: string): string {
  return diagnostics
    .filter((one) => one.group === group && (title === undefined || one.title === title))
    .map((one) => {
      const what = title === undefined ? `${one.title}: ` : '';
      return `${what}${one.outcome}: ${one.detail}${one.repair === undefined ? '' : ` → ${one.repair}`}`;
    })
    .join('\n');
}
