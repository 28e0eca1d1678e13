import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {parse} from 'yaml';
import {expandSteps, type TemplateStep} from '../helpers/azure-template.ts';
import {serveRegistry, type Registry} from '../helpers/npm-registry.ts';
import {otherNode, pack, type Packed} from '../helpers/packed.ts';
import {AzureAgent, GithubRunner, setupOrgkey} from '../helpers/pipeline-job.ts';
import {cloneSite, PipelineWorld} from '../helpers/pipeline-world.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** Jobs that install orgkey from the registry of npm, as they do outside of these tests. */

const action = parse(readFileSync(join(import.meta.dirname, '../../action.yml'), 'utf8'));
const task = JSON.parse(readFileSync(join(setupOrgkey, 'task.json'), 'utf8'));
const world = await PipelineWorld.start();
const {cloud, clientId, tenantId} = world;
const organization = cloud.addOrganization('pipelines');

let packed: Packed;
let registry: Registry;
test.before(async () => {
  packed = pack();
  registry = await serveRegistry(packed);
});
test.after.always(async () => {
  registry.close();
  packed.remove();
  await cloud.close();
});

const inputs = {
  organizations: 'contoso fabrikam',
  'client-id': clientId,
  'tenant-id': tenantId,
  'over-https': 'fabrikam/Lib',
};

function runner(t: ExecutionContext, environment: Record<string, string> = {}): GithubRunner {
  const oidc = cloud.addGithubJob();
  world.trust(oidc.credential);
  return new GithubRunner(t, action, {
    environment: {
      ...cloud.environment(),
      ...oidc.environment,
      npm_config_registry: registry.url,
      ...environment,
    },
  });
}

test.serial('the action installs its own version from npm, and leaves nothing of npm either', async (t) => {
  const github = runner(t);
  const started = await github.use(inputs);
  t.is(started.code, 0, `${started.log}${github.commands.join('\n')}`);
  t.true(registry.asked.some((path) => path.endsWith('.tgz')));
  const cloned = await github.run(cloneSite(world.site));
  t.is(cloned?.log.trim(), 'deeplibsiblingsite', cloned?.log);
  t.is((await github.post()).code, 0);
  t.deepEqual(await github.remains(), []);
});

test.serial('an orgkey of the same version on the PATH is used instead', async (t) => {
  const before = registry.asked.length;
  const github = runner(t, {PATH: `${packed.bin}:${process.env['PATH']}`});
  const started = await github.use(inputs);
  t.is(started.code, 0, started.log);
  t.is(registry.asked.length, before);
  await github.post();
  t.deepEqual(await github.remains(), []);
});

test.serial('a version that the registry does not have is named', async (t) => {
  const github = runner(t);
  t.is((await github.use({...inputs, version: '99.0.0'})).code, 1);
  t.is(
    github.commands[0],
    '::error title=orgkey::npm cannot install orgkey 99.0.0\nhint: check the registry of npm on this machine, or give the input path',
  );
  await github.post();
  t.deepEqual(await github.remains(), []);
});

const old = otherNode('20.19.5');
testUnless(old === undefined ? 'the registry does not have Node 20' : undefined, test.serial)(
  'a job without a Node that is new enough learns how to get one',
  async (t) => {
    const oidc = cloud.addGithubJob();
    const github = new GithubRunner(t, action, {
      node: old ?? '',
      environment: {
        ...oidc.environment,
        npm_config_registry: registry.url,
        PATH: `${dirname(old ?? '')}:/usr/bin:/bin`,
      },
    });
    t.is((await github.use(inputs)).code, 1);
    t.regex(
      github.commands[0] ?? '',
      /orgkey needs Node 22\.20 or later\nhint: install it .* actions\/setup-node/,
    );
    await github.post();
    t.deepEqual(await github.remains(), []);
  },
);

/** Runs the steps of the template, and ours between them, as the agent does. Returns the failed ones. */
async function runSteps(
  agent: AzureAgent,
  steps: readonly TemplateStep[],
  variables: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const step of steps) {
    if (agent.hasFailed && step.condition !== 'always()') continue;
    const env = Object.fromEntries(
      Object.entries(step.env ?? {}).map(([name, value]) => [
        name,
        value.replaceAll(/\$\((.+?)\)/g, (_, variable) => variables[variable] ?? ''),
      ]),
    );
    const script = step.bash ?? step.inputs?.['inlineScript'] ?? '';
    const own = step.task === 'AzureCLI@2' ? variables : {};
    const {code, log} = await agent.script(script, {...env, ...withoutDots(own)});
    if (code !== 0) failed.push(`${step.displayName ?? script}: ${log}`);
  }
  return failed;
}

const withoutDots = (variables: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !name.includes('.')));

function agentFor(t: ExecutionContext): {
  agent: AzureAgent;
  variables: Record<string, string>;
  secret: string;
} {
  const connection = cloud.addServiceConnection(organization, {name: t.title});
  world.trust(connection.credential);
  const {SYSTEM_OIDCREQUESTURI, SYSTEM_ACCESSTOKEN} = connection.environment;
  const agent = new AzureAgent(t, task, {
    environment: {...cloud.environment(), SYSTEM_OIDCREQUESTURI, npm_config_registry: registry.url},
  });
  const variables = {
    'System.AccessToken': SYSTEM_ACCESSTOKEN,
    AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: connection.id,
    AZURESUBSCRIPTION_CLIENT_ID: clientId,
    AZURESUBSCRIPTION_TENANT_ID: tenantId,
  };
  return {agent, variables, secret: SYSTEM_ACCESSTOKEN};
}

const parameters = {organizations: ['contoso', 'fabrikam'], overHttps: ['fabrikam/Lib']};

test.serial(
  'the template clones two organizations with a service connection, and leaves nothing',
  async (t) => {
    const {agent, variables, secret} = agentFor(t);
    const steps = expandSteps({
      ...parameters,
      serviceConnection: 'azure-repos',
      steps: [{bash: cloneSite(world.site)}],
    });
    t.deepEqual(
      steps
        .filter(({task: name}) => name !== undefined)
        .map(({inputs: given}) => given?.['azureSubscription']),
      ['azure-repos'],
    );
    t.deepEqual(await runSteps(agent, steps, variables), []);
    t.regex(agent.steps.at(-2)?.log ?? '', /deeplibsiblingsite/);
    t.false(JSON.stringify([agent.environment, agent.steps]).includes(secret));
    t.deepEqual(await agent.remains(), []);
  },
);

test.serial('after a failed step the template still stops orgkey', async (t) => {
  const {agent, variables} = agentFor(t);
  const steps = expandSteps({
    ...parameters,
    serviceConnection: 'a',
    steps: [{bash: 'exit 4'}, {bash: 'exit 5'}],
  });
  const failed = await runSteps(agent, steps, variables);
  t.is(failed.length, 1);
  t.deepEqual(await agent.remains(), []);
});

test.serial('the template takes a managed identity, or a configuration', async (t) => {
  const identity = cloud.addManagedIdentity({kind: 'system-assigned'});
  cloud.azureDevOps.organization('contoso')?.addMember(identity);
  const bash = 'git ls-remote --quiet https://dev.azure.com/contoso/Web/_git/sibling';
  const {agent, variables} = agentFor(t);
  const {overHttps} = parameters;
  const managed = expandSteps({
    organizations: ['contoso'],
    overHttps,
    managedIdentity: 'system-assigned',
    steps: [{bash}],
  });
  t.false(managed.some(({task: name}) => name !== undefined));
  t.deepEqual(await runSteps(agent, managed, variables), []);
  t.deepEqual(await agent.remains(), []);

  const other = agentFor(t);
  const file = 'ci.yaml';
  const yaml =
    'integrations: {azure: [{credentials: [{organizations: [contoso], clientId: system-assigned}]}]}';
  await other.agent.script(`umask 077; echo '${yaml}' >${file}`, {});
  const configured = expandSteps({configurationFile: file, steps: [{bash}]});
  t.deepEqual(await runSteps(other.agent, configured, other.variables), []);
  t.deepEqual(await other.agent.remains(), []);
});

test('the release of the task is that of the package', (t) => {
  const {version} = JSON.parse(readFileSync(join(packed.installed, 'package.json'), 'utf8'));
  const {Major, Minor, Patch} = task.version;
  t.is([Major, Minor, Patch].join('.'), version);
  const extension = JSON.parse(readFileSync(join(setupOrgkey, '../vss-extension.json'), 'utf8'));
  t.is(extension.version, version);
  t.true(existsSync(join(setupOrgkey, 'main.cjs')));
  t.false(readdirSync(setupOrgkey).includes('node_modules'));
});
