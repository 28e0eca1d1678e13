import type {Context} from '../../context.ts';
import type {ExitCode} from '../../exit-code.ts';
import {setupDirectory} from '../../locate.ts';
import {orFail, reportWarning} from '../../setup/choose-service.ts';
import {forgetService} from '../../setup/remember-service.ts';
import {chooseExisting, reportChanges, type ServiceOptions} from './choose.ts';

export async function uninstall(options: ServiceOptions, context: Context): Promise<ExitCode> {
  const {service} = await chooseExisting(options, context);
  const {changes, warning} = orFail(await service.uninstall());
  reportChanges(service, changes, 'removed', context);
  await forgetService(setupDirectory(options, context));
  return reportWarning(warning, context);
}
