import {INTEGRATION, isRequired} from './credential-kinds.ts';
import {ORGKEY} from './keys.ts';
import type {Form, Key, Keys} from './kind.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Returns a JSON Schema (2020-12) of the configuration as it is written, for editors. */
export function jsonSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'orgkey',
    type: 'object',
    properties: {
      integrations: {
        description: 'Backstage’s section; integrations other than `azure` are ignored.',
        type: 'object',
        properties: {
          azure: {
            description: 'Hosts of Azure DevOps, as in Backstage.',
            ...included({type: 'array', items: included(mappingOf(INTEGRATION))}),
          },
        },
      },
      orgkey: {description: 'Settings of the daemon. Everything has a default.', ...mappingOf(ORGKEY)},
    },
    $defs: DEFINITIONS,
  };
}

/** Variables are replaced later, so text that contains one is accepted. */
const PLACEHOLDER = String.raw`\$\{[^{}]*\}`;

const DEFINITIONS = {
  variable: source('$env', {type: 'string'}, 'The variable that contains it.'),
  file: source('$file', {type: 'string'}, 'The file that contains it, relative to this one.'),
  include: source(
    '$include',
    {type: 'string'},
    'A value of another file, relative to this one: `hosts.yaml`, or `hosts.yaml#key.key`.',
  ),
  agentKey: closed(
    {
      $agent: {
        type: 'string',
        description: 'The path of the agent’s socket, or SSH_AUTH_SOCK for the variable of this name.',
      },
      publicKey: {
        description: 'The public half, as `ssh-add -L` prints it.',
        anyOf: [{type: 'string'}, {$ref: '#/$defs/variable'}, {$ref: '#/$defs/file'}],
      },
    },
    ['$agent', 'publicKey'],
  ),
  secret: {
    anyOf: [
      {type: 'string', description: 'The secret itself, or `${VARIABLE}`.'},
      {$ref: '#/$defs/variable'},
      {$ref: '#/$defs/file'},
      {$ref: '#/$defs/include'},
      source('$credential', {type: 'string'}, 'The systemd credential that contains it.'),
      source(
        '$command',
        {type: 'array', items: {type: 'string'}, minItems: 1},
        'The program that prints it, and its arguments; run without a shell.',
      ),
      source('$keyring', {type: 'string'}, 'The entry of the operating system’s keyring that contains it.'),
      source(
        '$keyVault',
        closed({vault: {type: 'string'}, secret: {type: 'string'}}, ['vault', 'secret']),
        'The secret of an Azure Key Vault, read with the managed identity of the machine.',
      ),
    ],
  },
};

function source(name: string, value: Schema, description: string): Schema {
  return {...closed({[name]: value}, [name]), description};
}

/** A mapping with no other keys. */
function closed(properties: Schema, required: readonly string[]): Schema {
  return {
    type: 'object',
    properties,
    ...(required.length === 0 ? {} : {required}),
    additionalProperties: false,
  };
}

function mappingOf(keys: Keys): Schema {
  const entries = Object.entries(keys);
  const properties = entries.map(([name, key]) => [name, propertyOf(key)] as const);
  const required = entries.filter(([, key]) => isRequired(key)).map(([name]) => name);
  return closed(Object.fromEntries(properties), required);
}

function propertyOf({kind, describe, default: fallback, removed}: Key): Schema {
  return {
    description: describe,
    ...(fallback === undefined ? {} : {default: fallback}),
    ...(removed === undefined ? {} : {deprecated: true}),
    ...schemaOf(kind.form),
  };
}

function schemaOf(form: Form): Schema {
  switch (form.name) {
    case 'text':
      return {anyOf: [textOf(form), ...SOURCES]};
    case 'number':
    case 'size':
      return {anyOf: [{type: 'integer', minimum: 1}, textOf(form), ...SOURCES]};
    case 'true or false':
      return {
        anyOf: [
          {type: 'boolean'},
          {type: 'string', pattern: `^\\s*(?:true|false)\\s*$|${PLACEHOLDER}`},
          ...SOURCES,
        ],
      };
    case 'secret':
      return form.isForSsh
        ? {anyOf: [{$ref: '#/$defs/secret'}, {$ref: '#/$defs/agentKey'}]}
        : {$ref: '#/$defs/secret'};
    case 'anything':
      return {};
    case 'list':
      return included({
        type: form.mayBeNothing ? ['array', 'null'] : 'array',
        items: schemaOf(form.item),
      });
    case 'mapping':
      return included(mappingOf(form.keys));
    case 'one of':
      return {
        anyOf: [
          ...form.shapes.map(({name, keys}) => ({description: `For ${name}.`, ...mappingOf(keys)})),
          INCLUDE,
        ],
      };
  }
}

const INCLUDE: Schema = {$ref: '#/$defs/include'};

const SOURCES: readonly Schema[] = [{$ref: '#/$defs/variable'}, {$ref: '#/$defs/file'}, INCLUDE];

/** Another file may have it, too. */
function included(schema: Schema): Schema {
  return {anyOf: [schema, INCLUDE]};
}

function textOf({pattern, choices, example}: Extract<Form, {name: 'text' | 'number' | 'size'}>): Schema {
  if (choices !== undefined) return {anyOf: [{enum: choices}, {type: 'string', pattern: PLACEHOLDER}]};
  return {
    type: 'string',
    examples: [example],
    ...(pattern === undefined ? {} : {pattern: `^\\s*(?:${pattern})\\s*$|${PLACEHOLDER}`}),
  };
}
