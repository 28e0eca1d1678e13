import {Person} from '../helpers/command-line.ts';
import {gits} from '../helpers/gits.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudFor, addContoso} from '../helpers/cloud-for.ts';

for (const git of gits) {
  const withGit = testUnless(git.missing);
  withGit(`${git.name}: after setup doctor finds no problem but the host key of a stranger`, async (t) => {
    const cloud = await cloudFor(t);
    const {contoso, credential} = addContoso(cloud);
    const site = contoso.addRepository('web/site', {files: {a: 'a'}});
    const person = new Person(t, {
      ...cloud.environment(),
      PATH: `${git.path}:${process.env['PATH'] ?? ''}`,
    });
    person.configure(`integrations: {azure: [{credentials: [{${credential}}]}]}\n`);
    const setup = await person.run('setup', ['--service', 'plain']);
    t.is(setup.code, 0, setup.stderr);

    const well = await person.run('doctor', [site.url]);
    t.is(well.code, 0, well.stdout);
    t.regex(well.stdout, /\neverything is well\n$/);
    t.regex(well.stdout, /✓ service: plain, running\n/);
    t.regex(well.stdout, /✓ settings: 10 settings are in\s+\S+\/orgkey\/gitconfig\n/);
    t.false(well.stdout.includes('proactiveAuth'));

    t.is((await person.run('ssh-key new contoso')).code, 0);
    t.is((await person.run('setup', ['--service', 'plain'])).code, 0);
    const clone = await person.git(['clone', '-q', site.url, 'site']);
    t.is(clone.code, 0, clone.stderr);
    const inside = await person.run('doctor', ['contoso'], {directory: person.path('site')});
    t.is(inside.code, 1, inside.stdout);
    t.regex(inside.stdout, /✓ wrapper: in submodules git runs\s+\S+\/orgkey-ssh\n/);
    // the test cloud does not have Microsoft's host key
    t.regex(inside.stdout, /✗ ssh: THE HOST KEY OF ssh\.dev\.azure\.com HAS CHANGED/);
    t.regex(inside.stdout, /\n1 failure\n$/);

    const uninstalled = await person.run('uninstall');
    t.is(uninstalled.code, 0, uninstalled.stderr);
    const gone = await person.run('doctor', ['contoso']);
    t.is(gone.code, 1);
    t.regex(gone.stdout, /✗ helper: contoso: git has no credential helper/);
  });
}
