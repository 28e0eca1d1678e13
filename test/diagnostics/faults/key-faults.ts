import {chmodSync, renameSync, rmSync, symlinkSync} from 'node:fs';
import type {SeededFault} from '../../helpers/provoke-fault.ts';

/** Git itself works: these stop the fetches of submodules only. */
const gitWorks = true;

/** What breaks between a submodule and its ssh host. The world has a key of contoso. */
export const keyFaults: readonly SeededFault[] = [
  {
    title: 'the submodule key was never pasted at its page',
    gitWorks,
    seed: (world) => {
      world.keys.remove();
    },
    cause: /does not know the submodule key of contoso/,
    mend: (world) => {
      world.keys.add();
    },
  },
  {
    title: 'the host key of the ssh host has changed',
    gitWorks,
    seed: async ({cloud}) => {
      const {hostKey} = cloud.ssh;
      await cloud.configureSsh({newHostKey: true});
      return {undo: () => cloud.ssh.configure({hostKey})};
    },
    cause: /HOST KEY OF ssh\.dev\.azure\.com HAS CHANGED/,
    mend: (_world, {undo}) => {
      void undo?.();
    },
  },
  {
    title: 'the ssh host does not answer',
    gitWorks,
    seed: ({cloud}) => {
      const fault = cloud.fault({endpoint: 'ssh', stage: 'connection', reset: true, times: 'always'});
      return {undo: () => fault.clear()};
    },
    cause: /ssh\.dev\.azure\.com/,
    mend: (_world, {undo}) => {
      void undo?.();
    },
  },
  {
    title: 'GIT_SSH_COMMAND replaces the wrapper',
    gitWorks,
    seed: () => ({environment: {GIT_SSH_COMMAND: 'ssh -v'}}),
    cause: /it is set, and replaces the wrapper/,
  },
  {
    title: 'the first ssh on the PATH is Dropbear',
    gitWorks,
    seed: ({person}) => {
      person.write('dropbear/dbclient', '#!/bin/sh\nexit 1\n', 0o755);
      symlinkSync('dbclient', person.path('dropbear/ssh'));
      return {environment: {PATH: `${person.path('dropbear')}:${person.environment['PATH']}`}};
    },
    cause: /ssh is Dropbear, which cannot use the submodule key/,
    mend: ({person}) => {
      rmSync(person.path('dropbear'), {recursive: true});
    },
  },
  {
    title: 'any user may read the submodule key',
    gitWorks,
    seed: (world) => chmodSync(world.person.path('submodule.key'), 0o644),
    cause: /submodule\.key/,
  },
  {
    title: 'the submodule key is missing',
    gitWorks,
    seed: (world) => renameSync(world.person.path('submodule.key'), world.person.path('moved.key')),
    cause: /submodule\.key/,
    mend: async (world) => {
      renameSync(world.person.path('moved.key'), world.person.path('submodule.key'));
      await world.person.run('service restart');
    },
  },
];
