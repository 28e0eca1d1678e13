/**
 * The test cloud as a process: `node test/cloud/main.ts [--directory DIR] [--world FILE]`.
 * When it serves it prints one JSON line; SIGTERM, SIGINT or the end of its standard input's pipe with
 * `--until-stdin-closes` ends it.
 */
import {readFileSync} from 'node:fs';
import type {AddressInfo} from 'node:net';
import {parseArgs} from 'node:util';
import {startCloud} from './cloud.ts';
import {createControl} from './control.ts';
import {addToWorld, type World} from './world.ts';

const {values} = parseArgs({
  options: {
    directory: {type: 'string'},
    git: {type: 'string'},
    world: {type: 'string'},
    'authority-host': {type: 'string', multiple: true},
    'until-stdin-closes': {type: 'boolean'},
  },
});

const cloud = await startCloud({
  ...(values.directory === undefined ? {} : {directory: values.directory}),
  ...(values.git === undefined ? {} : {git: values.git}),
  ...(values['authority-host'] === undefined ? {} : {authorityHosts: values['authority-host']}),
});
const world =
  values.world === undefined
    ? undefined
    : addToWorld(cloud, JSON.parse(readFileSync(values.world, 'utf8')) as World);
const control = createControl(cloud, describe);
control.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify(describe())}\n`);
});

function describe(): object {
  const {port} = control.address() as AddressInfo;
  return {
    control: `http://127.0.0.1:${port}`,
    proxy: cloud.proxyUrl,
    imds: cloud.imdsUrl,
    ca: cloud.caFile,
    ssh: `127.0.0.1:${cloud.ssh.port}`,
    knownHosts: cloud.knownHosts(),
    environment: cloud.environment(),
    appService: cloud.appServiceEnvironment(),
    arc: cloud.arcEnvironment(),
    ...(world === undefined ? {} : {world}),
  };
}

let isEnding = false;

function end(): void {
  if (isEnding) return;
  isEnding = true;
  control.closeAllConnections();
  control.close();
  cloud.close().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
}

process.once('SIGTERM', end);
process.once('SIGINT', end);
if (values['until-stdin-closes']) process.stdin.once('end', end).resume();
