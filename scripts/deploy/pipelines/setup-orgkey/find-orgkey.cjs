'use strict';
// Finds an orgkey of the wanted version, or installs it with npm below the directory of the job.
const {execFileSync} = require('node:child_process');
const {existsSync, readFileSync, realpathSync} = require('node:fs');
const {delimiter, dirname, join} = require('node:path');
const {Refusal} = require('./platform.cjs');

/** The oldest Node that runs orgkey: major, minor. */
const oldest = [22, 20];

/** Returns the words that run orgkey. */
async function findOrgkey({path, version = ownVersion()}, root) {
  if (path !== undefined) return commandFor(path);
  const present = programsNamed('orgkey').find((found) => versionOf(found, root) === version);
  return commandFor(present ?? install(version, root));
}

/** What npm installs needs a Node; a package of the system brings its own. */
function commandFor(path) {
  return realpathSync(path).endsWith('.cjs') ? [findNode(), realpathSync(path)] : [path];
}

function install(version, root) {
  const prefix = join(root, 'program');
  const [npm] = [...programsNamed('npm'), join(dirname(process.execPath), 'npm')].filter((found) =>
    existsSync(found),
  );
  if (npm === undefined)
    throw new Refusal(
      'neither orgkey nor npm is on the PATH',
      'install Node 24 in a step before this one, or give the input path',
    );
  // nothing is left in the home of a machine that has other jobs
  const args = [
    'install',
    '--prefix',
    prefix,
    '--cache',
    join(root, 'npm'),
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ];
  try {
    execFileSync(npm, [...args, '--no-package-lock', '--loglevel=error', `orgkey@${version}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // npm keeps compiled code in the directory of temporary files
      env: {
        ...process.env,
        NODE_DISABLE_COMPILE_CACHE: '1',
        PATH: [dirname(findNode()), process.env.PATH].join(delimiter),
      },
    });
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `npm cannot install orgkey ${version}`,
      'check the registry of npm on this machine, or give the input path',
    );
  }
  return join(prefix, 'node_modules/orgkey/dist/orgkey.cjs');
}

/** Returns a Node that runs orgkey: this one, that of the PATH, or the newer one of the runner or agent. */
function findNode() {
  const beside = join(dirname(process.execPath), '../../node24/bin/node');
  const candidates = [process.execPath, ...programsNamed('node'), beside];
  const found = candidates.find((node) => isNewEnough(versionOf(node)));
  if (found !== undefined) return found;
  throw new Refusal(
    `orgkey needs Node ${oldest.join('.')} or later`,
    'install it in a step before this one: actions/setup-node or UseNode@1, with version 24',
  );
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/** `root`: where orgkey may keep what it compiles. */
function versionOf(program, root) {
  try {
    const said = execFileSync(program, ['--version'], {
      env: root === undefined ? process.env : {...process.env, ORGKEY_STATE_DIR: join(root, 'probe')},
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return said.trim().replace(/^v/, '');
  } catch {
    return undefined;
  }
}

function programsNamed(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));
}

function ownVersion() {
  const {version} = JSON.parse(readFileSync(join(__dirname, 'task.json'), 'utf8'));
  return [version.Major, version.Minor, version.Patch].join('.');
}

module.exports = {findOrgkey};
