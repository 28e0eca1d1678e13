/**
 * fast-check with the same inputs in each run of the tests, so that a failure is caused by the change at hand and can
 * be repeated. `scripts/fuzz` tries others, with a seed from the environment.
 */
import * as fc from 'fast-check';

fc.configureGlobal({seed: Number(process.env['ORGKEY_TEST_SEED'] ?? 1)});

export * from 'fast-check';
