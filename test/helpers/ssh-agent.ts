import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';

import type {ExecutionContext} from 'ava';

import {scratchDirectory} from './scratch-directory.ts';

/** Starts an ssh-agent with these private keys (PEM). Returns the path of its socket. It ends with the test. */
export async function startAgent(t: ExecutionContext, ...keys: readonly string[]): Promise<string> {
  const socket = join(scratchDirectory(t), 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], {stdio: ['ignore', 'pipe', 'inherit']});
  t.teardown(() => agent.kill());
  // it prints the path once it listens
  await once(agent.stdout, 'data');
  for (const key of keys)
    execFileSync('ssh-add', ['-q', '-'], {input: key, env: {...process.env, SSH_AUTH_SOCK: socket}});
  return socket;
}
