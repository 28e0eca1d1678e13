/** The keywords that our JSON Schema uses. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly anyOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

const KEYWORDS: ReadonlySet<string> = new Set(
  `type enum pattern minimum anyOf $ref $defs items minItems properties required additionalProperties
  $schema title description default examples deprecated`.split(/\s+/),
);

/** Whether a value conforms to a JSON Schema. @throws {Error} if the schema uses a keyword that is not known here. */
export function conforms(value: unknown, schema: Schema, root: Schema = schema): boolean {
  const unknown = Object.keys(schema).find((keyword) => !KEYWORDS.has(keyword));
  if (unknown !== undefined) throw new Error(`the keyword ${unknown} is not known`);
  const {$ref: reference, anyOf} = schema;
  const target = reference === undefined ? undefined : root.$defs?.[reference.slice('#/$defs/'.length)];
  return (
    (reference === undefined || (target !== undefined && conforms(value, target, root))) &&
    (anyOf === undefined || anyOf.some((one) => conforms(value, one, root))) &&
    hasType(value, schema) &&
    (schema.enum === undefined || schema.enum.includes(value)) &&
    fitsScalar(value, schema) &&
    fitsList(value, schema, root) &&
    fitsMapping(value, schema, root)
  );
}

function hasType(value: unknown, {type}: Schema): boolean {
  if (type === undefined) return true;
  const own = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return [type].flat().some((one) => one === own || (one === 'integer' && Number.isInteger(value)));
}

function fitsScalar(value: unknown, {pattern, minimum}: Schema): boolean {
  if (typeof value === 'string') return pattern === undefined || new RegExp(pattern, 'u').test(value);
  return typeof value !== 'number' || minimum === undefined || value >= minimum;
}

function fitsList(value: unknown, {items, minItems = 0}: Schema, root: Schema): boolean {
  if (!Array.isArray(value)) return true;
  return (
    value.length >= minItems && value.every((item) => items === undefined || conforms(item, items, root))
  );
}

function fitsMapping(
  value: unknown,
  {properties = {}, required = [], additionalProperties = true}: Schema,
  root: Schema,
): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return true;
  const entries = Object.entries(value);
  return (
    required.every((name) => Object.hasOwn(value, name)) &&
    entries.every(([name, inner]) => {
      const property = properties[name];
      return property === undefined ? additionalProperties : conforms(inner, property, root);
    })
  );
}
