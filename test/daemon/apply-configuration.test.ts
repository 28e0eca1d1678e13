import test from 'ava';
import {NO_CONFIGURATION} from '../../src/config/default-settings.ts';
import {AppliedConfiguration, type Follower} from '../../src/daemon/apply-configuration.ts';
import {ConfigurationInForce} from '../../src/daemon/supply/configuration-in-force.ts';

/** A configuration with two followers that git waits for, around one that it does not wait for. */
function setUp({isValid = true} = {}) {
  const called: string[] = [];
  const follower = (name: string, isBeforeGit: boolean): Follower => ({
    name,
    isBeforeGit,
    follow: ({isNew}) => void called.push(isNew ? name : `${name} with the old one`),
  });
  const inForce = new ConfigurationInForce({
    initial: NO_CONFIGURATION,
    recall: async () => undefined,
    now: () => 0,
    load: async () =>
      isValid
        ? {kind: 'loaded', configuration: NO_CONFIGURATION}
        : {
            kind: 'invalid',
            source: 'file',
            problems: [{place: 'file', message: 'is wrong', hint: undefined}],
            files: [],
          },
  });
  const logged: string[] = [];
  const applied = new AppliedConfiguration({
    inForce,
    followers: [follower('first', true), follower('second', false), follower('third', true)],
    log: (level, message) => void logged.push(`${level}: ${message}`),
    onUnexpected: (error) => void called.push(String(error)),
  });
  return {applied, called, logged};
}

test('a start and a reload call the same followers in the same order', async (t) => {
  const {applied, called} = setUp();
  const reading = await applied.begin();
  t.deepEqual(called, ['first', 'third'], 'before the first answer');
  await applied.finish(reading);
  const atStart = called.splice(0);
  await applied.reload();
  t.deepEqual(called, atStart);
  t.deepEqual(called, ['first', 'third', 'second']);
  applied.close();
});

test('an invalid configuration calls all followers, and its problems are returned and logged', async (t) => {
  const {applied, called, logged} = setUp({isValid: false});
  const problems = await applied.reload();
  t.deepEqual(
    problems.map(({message}) => message),
    ['is wrong'],
  );
  t.deepEqual(called, ['first with the old one', 'third with the old one', 'second with the old one']);
  t.deepEqual(logged, ['error: configuration: file: is wrong']);
  applied.close();
});
