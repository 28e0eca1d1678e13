import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {parse} from 'yaml';

interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly default?: unknown;
}

/** A step of a template after its expressions were evaluated. */
export interface TemplateStep {
  readonly bash?: string;
  readonly task?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly displayName?: string;
  readonly condition?: string;
}

/** The template of steps for Azure Pipelines. */
export const stepsTemplate: {readonly parameters: readonly Parameter[]; readonly steps: readonly object[]} =
  parse(readFileSync(join(import.meta.dirname, '../../scripts/deploy/pipelines/steps.yml'), 'utf8'));

/**
 * Expands the template as the service does before a run, for the expressions that it uses. @throws {Error} for any other
 * expression, an unknown parameter, or one of another type.
 */
export function expandSteps(given: Readonly<Record<string, unknown>>): readonly TemplateStep[] {
  const {parameters, steps} = stepsTemplate;
  const unknown = Object.keys(given).filter((name) => !parameters.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`the template has no parameter ${unknown.join(', ')}`);
  const values = Object.fromEntries(parameters.map((one) => [one.name, given[one.name] ?? one.default]));
  for (const {name, type} of parameters) requireType(name, type, values[name]);
  return steps.flatMap((step) => expand(step, values)) as TemplateStep[];
}

function requireType(name: string, type: string, value: unknown): void {
  const isRight = type === 'object' || type === 'stepList' ? Array.isArray(value) : typeof value === type;
  if (!isRight) throw new Error(`the parameter ${name} is not of the type ${type}`);
}

type Values = Readonly<Record<string, unknown>>;

/** A step may be a condition or a loop around others. */
function expand(step: object, values: Values): unknown[] {
  const [key, inner] = Object.entries(step)[0] ?? ['', undefined];
  const [, word, name = '', text = ''] =
    /^\$\{\{ if (eq|ne)\(parameters\.(\w+), '(.*)'\) \}\}$/.exec(key) ?? [];
  if (word !== undefined) {
    const isSo = (values[name] === text) === (word === 'eq');
    return isSo ? (inner as object[]).flatMap((one) => expand(one, values)) : [];
  }
  const [, item, list = ''] = /^\$\{\{ each (\w+) in parameters\.(\w+) \}\}$/.exec(key) ?? [];
  if (item !== undefined) return values[list] as unknown[];
  return [replaced(step, values)];
}

function replaced(value: unknown, values: Values): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\$\{\{ (.+?) \}\}/g, (_, text) => evaluate(text, values));
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map((one) => replaced(one, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replaced(one, values)]));
}

function evaluate(text: string, values: Values): string {
  const [, name] = /^parameters\.(\w+)$/.exec(text) ?? [];
  const [, list] = /^join\(' ', parameters\.(\w+)\)$/.exec(text) ?? [];
  if (list !== undefined && Array.isArray(values[list])) return (values[list] as string[]).join(' ');
  if (name === undefined || !(name in values)) throw new Error(`the expression is not known: ${text}`);
  const value = values[name];
  // the service writes booleans so
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
}
