import {jobOutputs} from '../job/job-output.ts';
import {defineCommand, flag, text, type Command} from './command.ts';
import {starterWithoutFrom} from './shared-options.ts';

const directory = text(
  'the directory of everything that the job has; default: $ORGKEY_JOB_DIR, or a new one',
  'DIR',
);

export const jobCommands: readonly Command[] = [
  defineCommand({
    usage: 'job start',
    summary: 'start a daemon for one job of a pipeline, and lead its later steps to it',
    description:
      'It writes the configuration, starts the daemon, configures git for this job only, and asks each organization whether it accepts the credential. Everything is in one directory. On GitHub Actions and Azure Pipelines, later steps get the variables, and an application signs in with the token of the job; elsewhere the variables are printed for the shell. If it fails, nothing is left.',
    options: {
      ...starterWithoutFrom,
      directory,
      output: {
        ...text('how later steps get the variables', 'FORM'),
        choices: [...jobOutputs],
        default: 'auto',
      },
      'over-https': {
        ...text('fetch the SSH addresses of this project over HTTPS (repeatable)', 'ORGANIZATION/PROJECT'),
        array: true,
      },
      'remove-headers': flag(
        'remove the Authorization headers that a checkout left in the repository for these organizations',
      ),
      tools: flag('let Cargo, pip, uv, Go and NuGet of later steps ask orgkey, too'),
    },
    examples: [
      {
        command: 'orgkey job start --organization contoso --client-id GUID --tenant-id GUID',
        note: 'on GitHub Actions',
      },
      {
        command: 'eval "$(orgkey job start --config ci.yaml)"',
        note: 'in any other shell',
      },
      {command: 'orgkey job start --config ci.yaml --over-https contoso/Web', note: 'no SSH key'},
    ],
    exitCodes: {
      1: 'the daemon does not start, or an organization cannot be reached',
      2: 'the command line is not valid, or the job has a daemon already',
      4: 'Azure DevOps rejects the credential of an organization',
    },
    run: async (options, context) => (await import('../commands/job/start.ts')).startJob(options, context),
  }),
  defineCommand({
    usage: 'job stop',
    summary: 'end the daemon of a job, and remove everything that it had',
    options: {directory},
    run: async (options, context) => (await import('../commands/job/stop.ts')).stopJob(options, context),
  }),
];
