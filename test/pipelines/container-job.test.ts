import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {parse} from 'yaml';
import {ContainerRunner} from '../helpers/job-container.ts';
import {cloneSite, PipelineWorld} from '../helpers/pipeline-world.ts';
import {whyNotContained} from '../helpers/run-contained.ts';
import {testUnless} from '../helpers/test-unless.ts';

const action = parse(readFileSync(join(import.meta.dirname, '../../action.yml'), 'utf8'));

testUnless(whyNotContained())(
  'a job in a container clones two organizations, with no Node of its own',
  async (t) => {
    const world = await PipelineWorld.start();
    const {cloud, clientId, tenantId} = world;
    t.teardown(() => cloud.close());
    const oidc = cloud.addGithubJob();
    world.trust(oidc.credential);
    const runner = new ContainerRunner(t, action, {
      environment: {...cloud.environment(), ...oidc.environment},
    });
    t.teardown(() => runner.stop());
    await runner.start([dirname(cloud.caFile)]);
    const inputs = {
      organizations: 'contoso fabrikam',
      'client-id': clientId,
      'tenant-id': tenantId,
      'over-https': 'fabrikam/Lib',
      path: '/__a/dist/orgkey.cjs',
    };
    const started = await runner.use(inputs);
    t.is(started.code, 0, started.log + runner.commands.join('\n'));
    t.regex(runner.environment['ORGKEY_JOB_DIR'] ?? '', /^\/__w\/_temp\/orgkey-\w+\/job$/);
    const cloned = await runner.run(cloneSite(world.site));
    t.is(cloned?.log.trim(), 'deeplibsiblingsite', cloned?.log);
    t.true(runner.left.length > 10);
    const ended = await runner.post();
    t.is(ended.code, 0, ended.log);
    t.deepEqual(await runner.remains(), []);
    t.deepEqual(runner.inContainer, []);
  },
);
