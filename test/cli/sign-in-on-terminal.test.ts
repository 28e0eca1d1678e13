import test from 'ava';
import {browserProgram} from '../helpers/browser-program.ts';
import {Person} from '../helpers/command-line.ts';
import {converse, whyNoTerminal} from '../helpers/converse.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {cloudForFile} from '../helpers/cloud-for.ts';

const onTerminal = testUnless(whyNoTerminal, test.serial);

const cloud = await cloudForFile();
const tenant = cloud.addTenant();
const ada = tenant.addUser({name: 'Ada'});
const {clientId} = tenant.addApplication({
  clientId: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
  public: true,
  multitenant: true,
});
const contoso = cloud.addOrganization('contoso', {tenant, members: [ada]});
const site = contoso.addRepository('web/site');
const fabrikam = cloud.addOrganization('fabrikam', {tenant});
const good = fabrikam.addPat();

onTerminal('setup with the browser goes on to sign in, and says what happens', async (t) => {
  const person = new Person(t, cloud.environment());
  const browser = await browserProgram(person.home, (url) => cloud.browse(url, ada));
  t.teardown(browser.close);
  const {code, screen} = await converse(
    person,
    ['setup', '--organization', 'contoso', '--sign-in', 'browser', '--service', 'plain'],
    [],
    {BROWSER: browser.path},
  );
  t.is(code, 0, screen);
  const steps = [
    /contoso: sign in now\r/,
    new RegExp(`application: ${clientId}, Microsoft Azure CLI, the default of orgkey\r`),
    /opened your browser; if it shows nothing, use the address below\r/,
    /sign in with the browser: http:\/\/localhost:\d+\/\S+\r/,
    /waiting for you to sign in; Ctrl-C to stop\r/,
    /signed in as ada@/,
    /✓.* contoso: .*: signed in as Ada/,
  ].map((step) => step.exec(screen)?.index ?? -1);
  t.deepEqual(
    steps,
    steps.toSorted((one, other) => one - other),
    screen,
  );
  t.true((steps[0] ?? -1) >= 0, screen);
  const listed = await person.git(['ls-remote', site.url], {environment: {GIT_TERMINAL_PROMPT: '0'}});
  t.is(listed.code, 0, listed.stderr);
});

onTerminal('another account is shown, and replaces the one before only after a yes', async (t) => {
  const person = new Person(t, cloud.environment());
  const grace = tenant.addUser({name: 'Grace'});
  const code = (user: typeof ada) =>
    [
      /and enter (?:\u001b\[1m)?([A-Z0-9-]+)/,
      ([, typed = '']: RegExpExecArray) => {
        cloud.entra.approveDevice(typed, user);
        return '';
      },
    ] as const;
  const first = await converse(
    person,
    ['setup', '--organization', 'contoso', '--sign-in', 'device-code', '--service', 'plain'],
    [[...code(ada)]],
  );
  t.is(first.code, 0, first.screen);
  const question = new RegExp(
    `signed in as ${grace.userPrincipalName}; until now it was ${ada.userPrincipalName}\r\n.*Replace it, y or n \\[n\\]: `,
  );
  const refused = await converse(person, ['login', 'contoso'], [[...code(grace)], [question, '\r']]);
  t.is(refused.code, 1, refused.screen);
  t.regex(refused.screen, /ERR_OTHER_ACCOUNT/);
  t.regex(refused.screen, /hint: to replace it: orgkey login contoso --account grace@/i);
  const replaced = await converse(person, ['login', 'contoso'], [[...code(grace)], [question, 'y\r']]);
  t.regex(replaced.screen, /signed in as grace@/i);
});

onTerminal('over SSH without a display, setup offers a code and signs in with it', async (t) => {
  const person = new Person(t, cloud.environment());
  const {code, screen} = await converse(
    person,
    ['setup', '--organization', 'contoso', '--sign-in', 'browser', '--service', 'plain'],
    [
      [/Sign in with a code instead, y or n \[y\]: /, '\r'],
      [
        /open \S*(https:\S+?)(?:\u001b\S*)? and enter (?:\u001b\[1m)?([A-Z0-9-]+)/,
        ([, , typed = '']) => {
          cloud.entra.approveDevice(typed, ada);
          return '';
        },
      ],
    ],
    {SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22'},
  );
  t.is(code, 0, screen);
  t.regex(screen, /a browser on your own machine cannot complete a sign-in here/);
  t.regex(screen, /✓.* contoso: .*: signed in as Ada/);
});

onTerminal('Ctrl-C at a sign-in of setup says how to go on, and keeps what was set up', async (t) => {
  const person = new Person(t, cloud.environment());
  const {code, screen} = await converse(
    person,
    ['setup', '--organization', 'contoso', '--sign-in', 'device-code', '--service', 'plain'],
    [[/waiting for you to sign in; Ctrl-C to stop/, '\u0003']],
  );
  t.not(code, 0);
  t.regex(screen, /sign-in cancelled\r\norgkey: hint: run it again: orgkey login contoso\r/);
  t.regex(person.read('.config/orgkey/config.yaml') ?? '', /signIn: "device-code"/);
});

onTerminal('a token before the first setup is asked for without being shown, then tested', async (t) => {
  const person = new Person(t, cloud.environment());
  person.configure(
    'integrations: {azure: [{credentials: [{organizations: [fabrikam], personalAccessToken: {$file: secrets/fabrikam}}]}]}\n',
  );
  const setup = await person.run('setup', ['--service', 'plain']);
  t.not(setup.code, 0);
  t.regex(setup.stderr, /orgkey login fabrikam --paste/);

  const paste = await converse(
    person,
    ['login', 'fabrikam', '--paste'],
    [[/Token \(not shown\): /, `${good.value}\r`]],
  );
  t.is(paste.code, 0, paste.screen);
  t.false(paste.screen.includes(good.value));
  t.regex(paste.screen, /https:\/\/dev\.azure\.com\/fabrikam\/_usersSettings\/tokens/);
  t.regex(paste.screen, /name: orgkey, scopes: Code \(read & write\), expiration: 30 days/);
  t.is((await person.run('setup', ['--service', 'plain'])).code, 0);
});
