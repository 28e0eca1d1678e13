import test from 'ava';
import {wantedSettings} from '../../../src/cli/setup/wanted-settings.ts';
import {patNamed} from '../../helpers/fake-issuer.ts';

/** Returns the sections of git's configuration for a collection `Main` of this host, without repetition. */
function sectionsFor(host: string): string[] {
  const binding = {host, identity: patNamed('pat'), organizations: ['Main'], place: 'test'};
  const settings = wantedSettings([binding], {helper: '/bin/orgkey', includes: [], proactiveAuth: false});
  return [...new Set(settings.map(({key}) => key.replace(/^credential\.|\.[A-Za-z]+$/g, '')))];
}

test('a collection is set up at the top of the host and below tfs, in the usual spellings', (t) => {
  t.deepEqual(sectionsFor('azure.example.org:8443'), [
    'https://azure.example.org:8443',
    'https://azure.example.org:8443/Main',
    'https://azure.example.org:8443/tfs/Main',
    'https://azure.example.org:8443/main',
    'https://azure.example.org:8443/tfs/main',
    'https://azure.example.org:8443/MAIN',
    'https://azure.example.org:8443/tfs/MAIN',
  ]);
});

test('a collection below a virtual directory is set up there only, as written and in lower case', (t) => {
  t.deepEqual(sectionsFor('azure.example.org/DevOps'), [
    'https://azure.example.org/DevOps',
    'https://azure.example.org/devops',
    'https://azure.example.org/DevOps/Main',
    'https://azure.example.org/devops/Main',
    'https://azure.example.org/DevOps/main',
    'https://azure.example.org/devops/main',
    'https://azure.example.org/DevOps/MAIN',
    'https://azure.example.org/devops/MAIN',
  ]);
});
