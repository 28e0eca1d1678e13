import {Environment} from '@marcbachmann/cel-js';
import type {KubernetesObject, Loose} from './kubernetes-objects.ts';

/** What an API server asks its policies. */
export interface AdmissionRequest {
  readonly resource: string;
  readonly operation: 'CREATE' | 'UPDATE';
  readonly object: Loose;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Returns the messages of the policies that deny the request, as an API server would find them. */
export function denials(objects: readonly KubernetesObject[], request: AdmissionRequest): string[] {
  const policies = objects.filter(({kind}) => kind === 'ValidatingAdmissionPolicy');
  return policies.flatMap((policy) => {
    const binding = objects.find(
      ({kind, spec}) =>
        kind === 'ValidatingAdmissionPolicyBinding' && spec.policyName === policy['metadata'].name,
    );
    const applies =
      binding?.['spec'].validationActions.includes('Deny') &&
      isSelected(binding?.['spec'].matchResources?.namespaceSelector, request) &&
      policy['spec'].matchConstraints.resourceRules.some(
        ({resources, operations}: Loose) =>
          resources.includes(request.resource) && operations.includes(request.operation),
      );
    return applies ? judged(policy['spec'], request) : [];
  });
}

function judged(
  {variables: written = [], validations, failurePolicy}: Loose,
  {object, namespace, labels}: AdmissionRequest,
) {
  const environment = new Environment({unlistedVariablesAreDyn: true});
  const variables: Record<string, unknown> = {};
  const context = {
    object,
    variables,
    namespaceObject: {metadata: {name: namespace, labels: labelsOf(namespace, labels)}},
  };
  try {
    for (const {name, expression} of written) variables[name] = environment.evaluate(expression, context);
    return validations
      .filter(({expression}: Loose) => environment.evaluate(expression, context) !== true)
      .map(({message}: Loose) => message);
  } catch (error) {
    if (failurePolicy !== 'Fail') return [];
    return [`an expression failed: ${String(error)}`];
  }
}

function isSelected(selector: Loose, {namespace, labels}: AdmissionRequest): boolean {
  const found = labelsOf(namespace, labels);
  return (selector?.matchExpressions ?? []).every(({key, operator, values}: Loose) => {
    const value = found[key];
    const isOneOf = value !== undefined && values.includes(value);
    return operator === 'In' ? isOneOf : !isOneOf;
  });
}

function labelsOf(namespace: string, labels: AdmissionRequest['labels']): Record<string, string> {
  return {'kubernetes.io/metadata.name': namespace, ...labels};
}
