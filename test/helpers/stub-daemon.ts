// A daemon that only starts and ends, controlled by its configuration file's name: for tests of what starts it.
import {appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {parseArgs} from 'node:util';

const {values} = parseArgs({
  allowPositionals: true,
  options: {
    config: {type: 'string', default: 'serve'},
    'runtime-dir': {type: 'string', default: ''},
    'state-dir': {type: 'string', default: ''},
  },
});
const links = readdirSync('/proc/self/fd').map((name) => {
  try {
    return `${name} ${readlinkSync(`/proc/self/fd/${name}`)}`;
  } catch {
    return name;
  }
});
const stat = readFileSync('/proc/self/stat', 'utf8');
const facts = {
  pid: process.pid,
  session: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]),
  flags: process.execArgv,
  directory: process.cwd(),
  variables: Object.keys(process.env),
  links,
};
writeFileSync(join(values['state-dir'], 'facts.json'), JSON.stringify(facts));
appendFileSync(join(values['state-dir'], 'starts'), '.');

const behavior = basename(values.config);
if (behavior === 'refuse') {
  process.stderr.write(
    'orgkey: error: first\norgkey: error: the directory is \u001b[31mtoo loose\norgkey: hint: tighten it\n',
  );
  process.exit(5);
}
if (behavior === 'beaten') {
  // What the winner writes into the shared log, and what we do
  process.stderr.write(`ready ${join(values['runtime-dir'], 'git.sock')}\n`);
  process.stderr.write(`orgkey: error: another orgkey daemon serves ${values['runtime-dir']}\n`);
  process.exit(1);
}
process.on('SIGTERM', () => {
  if (behavior !== 'stubborn') process.exit(0);
});
// Nothing else would end it if the test was killed before its teardown
setInterval(() => {
  if (!existsSync(`/proc/${process.env['STUB_ENDS_WITH']}`)) process.exit();
}, 1000);
if (behavior === 'silent') process.stderr.write('waiting for nothing\n');
else process.stdout.write(`ready ${join(values['runtime-dir'], 'git.sock')}\n`);
