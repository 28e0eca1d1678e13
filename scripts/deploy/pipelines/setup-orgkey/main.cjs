'use strict';
// Starts orgkey for one job: the main step of the GitHub Action and of the Azure Pipelines task. Everything else is in
// `orgkey job start`. Plain syntax that Node 20 runs, without packages: what is reviewed is what runs.
const {spawn} = require('node:child_process');
const {mkdtempSync, writeFileSync} = require('node:fs');
const {tmpdir} = require('node:os');
const {join} = require('node:path');
const {findOrgkey} = require('./find-orgkey.cjs');
const {readInputs} = require('./inputs.cjs');
const {Refusal, platformOf} = require('./platform.cjs');

void main(platformOf(process.env));

async function main(platform) {
  try {
    await start(platform);
  } catch (error) {
    const {message, hint} = error instanceof Refusal ? error : {message: String(error?.stack ?? error)};
    platform.fail(message, hint);
  }
}

async function start(platform) {
  if (process.platform === 'win32')
    throw new Refusal('orgkey does not run on Windows', 'run the job on Linux or macOS');
  const inputs = readInputs(platform);
  for (const secret of platform.secrets) platform.mask(secret);
  const root = mkdtempSync(join(platform.temporary ?? tmpdir(), 'orgkey-'));
  // first of all, so that the end of the job finds it whatever happens
  platform.saveState('directory', root);
  const orgkey = await findOrgkey(inputs, root);
  const code = await run(
    [...orgkey, 'job', 'start', '--directory', join(root, 'job'), ...argumentsFor(inputs, root)],
    platform,
  );
  if (code !== 0)
    throw new Refusal(`orgkey did not start (exit code ${code})`, 'the log above names the reason');
}

function argumentsFor(inputs, root) {
  const {configuration, configurationFile, organizations, options, overHttps, removeHeaders, tools} = inputs;
  const text =
    configuration === undefined ? [] : ['--config', written(join(root, 'configuration.yaml'), configuration)];
  return [
    '--output',
    inputs.output,
    ...text,
    ...(configurationFile === undefined ? [] : ['--config', configurationFile]),
    ...organizations.flatMap((name) => ['--organization', name]),
    ...Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...overHttps.flatMap((project) => ['--over-https', project]),
    ...(removeHeaders ? ['--remove-headers'] : []),
    ...(tools ? ['--tools'] : []),
  ];
}

function written(path, text) {
  writeFileSync(path, `${text}\n`, {mode: 0o600});
  return path;
}

/** Runs a command with the streams of this step. Resolves with its exit code. */
function run([program, ...args], platform) {
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: platform.environmentForDaemon(),
  });
  // in a canceled job the post step ends what was started
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
}
