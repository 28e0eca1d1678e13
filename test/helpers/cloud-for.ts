import test from 'ava';
import {startCloud, type Cloud, type CloudOptions} from '../cloud/cloud.ts';

/** Starts a cloud for one test, which closes it. */
export async function cloudFor(
  t: {readonly teardown: (end: () => Promise<void>) => void},
  options?: CloudOptions,
): Promise<Cloud> {
  const cloud = await startCloud(options);
  t.teardown(() => cloud.close());
  return cloud;
}

interface FileOptions extends CloudOptions {
  /** Whether a test of the file runs: otherwise ava runs no hook. Default: it does. */
  readonly isUsed?: boolean;
}

/** Starts a cloud for all tests of a file. No other `await` may follow: ava takes hooks and tests in one go. */
export async function cloudForFile({isUsed = true, ...options}: FileOptions = {}): Promise<Cloud> {
  const cloud = await startCloud(options);
  test.after.always(() => cloud.close());
  if (!isUsed) void cloud.close();
  return cloud;
}

/** The same for serial tests: none finds the faults and the requests of another. */
export async function cloudForSerial(options?: FileOptions): Promise<Cloud> {
  const cloud = await cloudForFile(options);
  test.beforeEach(() => cloud.requests.clear());
  test.afterEach.always(() => cloud.clearFaults());
  return cloud;
}

/** Adds the organization `contoso` with an application as its member. `credential`: the fields of its client secret. */
export function addContoso(cloud: Cloud) {
  const tenant = cloud.addTenant();
  const app = tenant.addApplication();
  const contoso = cloud.addOrganization('contoso', {tenant, members: [app]});
  const secret = `clientId: ${app.clientId}, clientSecret: "${app.secret}", tenantId: ${tenant.id}`;
  return {tenant, app, contoso, credential: `organizations: [contoso], ${secret}`};
}
