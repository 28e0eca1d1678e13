import type {Context} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {setupDirectory} from '../../locate.ts';
import {requireOwnHome} from '../../require-own-home.ts';
import {orFail} from '../../setup/choose-service.ts';
import {rememberService} from '../../setup/remember-service.ts';
import {chooseExisting, reportChanges, type ServiceOptions} from './choose.ts';

export async function install(options: ServiceOptions, context: Context): Promise<ExitCode> {
  const {service, configFile} = await chooseExisting(options, context, 'fitting');
  if (service.kind !== 'systemd-system') requireOwnHome(context);
  reportChanges(service, orFail(await service.install()).changes, 'running', context);
  await rememberService(setupDirectory(options, context), {kind: service.kind, configFile});
  return EXIT.ok;
}
