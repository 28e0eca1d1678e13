import type {Failure} from '../token/acquire.ts';
import type {Service} from './failure.ts';

export function nameOf(service: Service): string {
  switch (service) {
    case 'entra':
      return 'Entra';
    case 'managed-identity':
      return "the machine's metadata service";
    case 'github-actions':
      return 'GitHub';
    case 'azure-pipelines':
      return 'Azure Pipelines';
    case 'key-vault':
      return 'Key Vault';
    case 'issuer':
      return 'the issuer';
  }
}

export function worded(code: string, message: string, hint: string | undefined): Failure {
  return {code, message, hint};
}
