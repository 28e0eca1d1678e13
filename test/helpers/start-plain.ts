// usage: node start-plain.ts MACHINE DAEMON   Starts a plain service from its own process, as the command line does.
import {setTimeout as wait} from 'node:timers/promises';
import {PlainService} from '../../src/service/plain.ts';
import {runCommand} from '../../src/service/run-command.ts';

const [machine, daemon] = process.argv.slice(2).map((text) => JSON.parse(text));
const service = new PlainService({...machine, environment: process.env, run: runCommand, wait}, daemon);
console.log(JSON.stringify(await service.start()));
