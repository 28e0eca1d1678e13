import {spawnSync} from 'node:child_process';
import {globSync, readFileSync, writeFileSync} from 'node:fs';
import {BlockList} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import {STOP_SECONDS} from '../../src/service/stop-limits.ts';
import {denials, type AdmissionRequest} from '../helpers/admission-policy.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {
  faultsOf,
  kubernetesFolder,
  objectsOf,
  rendered,
  whyNotKustomized,
  type KubernetesObject,
  type Loose,
} from '../helpers/kubernetes-objects.ts';
import {freePort} from '../helpers/free-port.ts';
import {main} from '../helpers/program.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless} from '../helpers/test-unless.ts';

const kustomized = testUnless(whyNotKustomized);
const policies = ['host-paths', 'volumes', 'drivers', 'daemon'].flatMap((name) =>
  objectsOf(`admission/${name}.yaml`),
);
const ofKind = (objects: readonly KubernetesObject[], kind: string): Loose[] =>
  objects.filter((one) => one.kind === kind);

/** Returns the pods that an object makes. */
function podsOf(objects: readonly KubernetesObject[]): {readonly name: string; readonly spec: Loose}[] {
  return objects
    .filter(({kind}) => kind === 'DaemonSet' || kind === 'Job')
    .map(({metadata, spec}) => ({
      name: `${metadata.namespace ?? ''}/${metadata.name}`,
      spec: spec.template.spec,
    }));
}

const containersOf = ({initContainers = [], containers}: Loose): Loose[] => [
  ...initContainers,
  ...containers,
];

test('every object has only fields that Kubernetes knows', async (t) => {
  const files = globSync('**/*.yaml', {cwd: kubernetesFolder}).filter(
    (file) => !file.endsWith('kustomization.yaml') && !file.endsWith('config.yaml'),
  );
  t.true(files.length >= 10);
  t.deepEqual(await faultsOf(t, files.flatMap(objectsOf)), []);
  // what the check is for
  const pod = {apiVersion: 'v1', kind: 'Pod', metadata: {name: 'x'}};
  const container = {name: 'x', image: 'x'};
  t.is((await faultsOf(t, [{...pod, spec: {containers: [{...container, readonly: true}]}}])).length, 1);
  t.true(
    (await faultsOf(t, [{...pod, spec: {containers: [{...container, volumeMounts: [{name: 'x'}]}]}}]))
      .length > 0,
  );
});

for (const folder of ['example', 'sidecar']) {
  kustomized(`kustomize makes valid objects of ${folder}, with names that fit`, async (t) => {
    const objects = rendered(folder);
    t.deepEqual(await faultsOf(t, objects), []);
    const names = new Set(
      objects.map(({kind, metadata}) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`),
    );
    t.is(names.size, objects.length);
    for (const {metadata, spec, kind} of objects) {
      if (kind !== 'DaemonSet' && kind !== 'Job') continue;
      const pod = spec.template.spec;
      const space = metadata.namespace ?? '';
      t.true(names.has(`ServiceAccount ${space} ${pod.serviceAccountName}`), metadata.name);
      for (const volume of pod.volumes)
        if (volume.configMap) t.true(names.has(`ConfigMap ${space} ${volume.configMap.name}`), volume.name);
      for (const {image} of containersOf(pod)) t.regex(image, /[/]/, 'an image has a registry or an owner');
      const maps = containersOf(pod)
        .flatMap(({env = []}) => env)
        .flatMap(({valueFrom}) => valueFrom?.configMapKeyRef?.name ?? []);
      for (const map of maps) t.true(names.has(`ConfigMap ${space} ${map}`));
    }
  });
}

kustomized('each team mounts, by its own driver, one place that the daemon serves', (t) => {
  const objects = rendered('example');
  const [{data: configured}] = ofKind(objects, 'ConfigMap').filter(({data}) => data['config.yaml']) as [
    Loose,
  ];
  const {sockets, gateways} = parse(configured['config.yaml']).orgkey;
  const served = [
    ...sockets.map(({name}: Loose) => `scoped/${name}`),
    ...gateways.map(({name}: Loose) => `gateways/${name}`),
  ];
  const maps = new Map(ofKind(objects, 'ConfigMap').map(({metadata, data}) => [metadata.name, data]));
  const drivers = podsOf(objects).filter(({name}) => name.endsWith('-driver'));
  const found = drivers.map(({name, spec}) => {
    const [driver, registrar] = spec.containers;
    const values = Object.fromEntries(
      driver.env.flatMap(({name: key, valueFrom: {configMapKeyRef: from}}: Loose) =>
        from ? [[key, maps.get(from.name)[from.key]]] : [],
      ),
    );
    const filled = (texts: string[]) =>
      texts.map((text) => text.replaceAll(/\$\((\w+)\)/g, (_, key: string) => values[key] ?? '?'));
    const [plugin = '', directory = ''] = filled(driver.args).map((argument) => argument.split('=')[1] ?? '');
    t.is(name, `orgkey/${values['TEAM']}-orgkey-driver`);
    t.is(plugin, `${values['TEAM']}-orgkey.csi`);
    t.true(plugin.length <= 63);
    t.true(served.includes(directory.replace('/sockets/orgkey/', '')), directory);
    t.deepEqual(filled(registrar.args).at(-1)?.split('=')[1], `/var/lib/kubelet/plugins/${plugin}/csi.sock`);
    return plugin;
  });
  const driverNames: string[] = ofKind(objects, 'CSIDriver').map(({metadata}) => metadata.name);
  t.deepEqual(new Set(driverNames), new Set(found));
  t.deepEqual(
    ofKind(objects, 'Job').map(({metadata, spec}) => {
      const [volume] = spec.template.spec.volumes.filter(({csi}: Loose) => csi);
      t.deepEqual(volume.csi, {driver: `${metadata.namespace}-orgkey.csi`, readOnly: true});
      return volume.csi.driver;
    }),
    found,
  );
  // the policies let exactly these pods pass
  const spaces = new Map(ofKind(objects, 'Namespace').map(({metadata}) => [metadata.name, metadata.labels]));
  for (const {kind, metadata, spec} of objects) {
    if (kind !== 'Job' && kind !== 'DaemonSet') continue;
    const request = {resource: 'pods', operation: 'CREATE', object: spec.template} as const;
    const {namespace} = metadata;
    t.deepEqual(denials(objects, {...request, namespace, labels: spaces.get(namespace)}), [], metadata.name);
    if (kind !== 'Job') continue;
    t.is(denials(objects, {...request, namespace: 'other'}).length, 1);
    t.is(denials(objects, {...request, namespace: 'other', labels: {'orgkey/team': 'team-x'}}).length, 1);
  }
});

const inTeam = {namespace: 'team-a', labels: {'orgkey/team': 'team-a'}};
const podWith = (volumes: Loose[]): AdmissionRequest => ({
  resource: 'pods',
  operation: 'CREATE',
  object: {metadata: {name: 'x'}, spec: {containers: [], volumes}},
  ...inTeam,
});
const onHost = (path: string) =>
  podWith([
    {name: 'work', emptyDir: {}},
    {name: 'x', hostPath: {path}},
  ]);

test('no pod may mount the directory of the daemon, one above it, or a way around', (t) => {
  for (const path of [
    '/run/orgkey-node',
    '/run/orgkey-node/',
    '//run//orgkey-node',
    '/run/./orgkey-node',
    '/run/orgkey-node/orgkey/scoped/team-b',
    '/run/orgkey-node/orgkey/control/control.sock',
    '/run',
    '/run/',
    '/',
    '//',
    '/var/run/orgkey-node',
    '/var/run',
    '/var',
    '/var/lib/kubelet/pods',
    '/var/lib',
    '/proc/1/root/run/orgkey-node',
    '/tmp/../run/orgkey-node',
    '/run/x/..',
    '..',
  ])
    t.is(denials(policies, onHost(path)).length, 1, path);
  for (const path of [
    '/run/orgkey-node-2',
    '/run/containerd',
    '/var/log',
    '/srv/..data',
    '/opt/run/orgkey-node',
  ])
    t.deepEqual(denials(policies, onHost(path)), [], path);
  t.deepEqual(denials(policies, podWith([])), []);
  t.deepEqual(denials(policies, {...podWith([]), object: {spec: {containers: []}}}), []);
});

const volume = (spec: Loose): AdmissionRequest => ({
  resource: 'persistentvolumes',
  operation: 'CREATE',
  object: {spec},
  namespace: '',
});

test('an ephemeral container and a persistent volume lead nowhere else', (t) => {
  const later = {...onHost('/run'), resource: 'pods/ephemeralcontainers', operation: 'UPDATE'} as const;
  t.is(denials(policies, later).length, 1);
  for (const path of ['/run/orgkey-node/orgkey', '/run/', '/var/run/orgkey-node/.'])
    for (const kind of ['hostPath', 'local'])
      t.is(denials(policies, volume({[kind]: {path}})).length, 1, path);
  t.deepEqual(denials(policies, volume({hostPath: {path: '/srv/data'}})), []);
  t.deepEqual(denials(policies, volume({csi: {driver: 'disk.csi.azure.com', volumeHandle: 'x'}})), []);
  // those of the daemon have all of its sockets
  const debugged = {
    ...later,
    namespace: 'orgkey',
    object: {spec: {containers: [], ephemeralContainers: [{name: 'x'}]}},
  };
  t.is(denials(policies, debugged).length, 1);
  t.deepEqual(denials(policies, {...debugged, ...inTeam}), []);
});

test('only namespaces of the cluster, and those that are named, may mount host paths', (t) => {
  for (const namespace of ['kube-system', 'orgkey'])
    t.deepEqual(denials(policies, {...onHost('/run'), namespace, labels: {}}), [], namespace);
  t.deepEqual(denials(policies, {...onHost('/'), labels: {'orgkey/host-paths': 'allowed'}}), []);
  t.is(denials(policies, {...onHost('/'), labels: {'orgkey/host-paths': 'no'}}).length, 1);
});

test('a namespace may name the driver of its own team only', (t) => {
  const csi = (driver: string, readOnly: boolean | undefined = true) =>
    podWith([{name: 'orgkey', csi: {driver, ...(readOnly === undefined ? {} : {readOnly})}}]);
  t.deepEqual(denials(policies, csi('team-a-orgkey.csi')), []);
  t.deepEqual(denials(policies, csi('secrets-store.csi.k8s.io')), []);
  for (const driver of ['team-b-orgkey.csi', 'orgkey.csi', '-orgkey.csi'])
    t.is(denials(policies, csi(driver)).length, 1, driver);
  t.is(denials(policies, csi('team-a-orgkey.csi', false)).length, 1);
  t.is(
    denials(policies, {
      ...csi('team-a-orgkey.csi'),
      object: podWith([{name: 'x', csi: {driver: 'team-a-orgkey.csi'}}]).object,
    }).length,
    1,
  );
  t.is(denials(policies, {...csi('team-a-orgkey.csi'), labels: {}}).length, 1);
  t.is(denials(policies, {...csi('-orgkey.csi'), labels: {}}).length, 1);
});

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');

function inside(address: string, cidrs: string[]): boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', length] = cidr.split('/');
    // an IPv6 network would cover mapped addresses
    if (familyOf(network) === familyOf(address)) list.addSubnet(network, Number(length), familyOf(network));
  }
  return list.check(address, familyOf(address));
}

test('pods of a team cannot reach the metadata service, and reach everything else', (t) => {
  const [policy] = ofKind(objectsOf('team/network-policy.yaml'), 'NetworkPolicy');
  t.deepEqual(policy.spec.podSelector, {});
  t.deepEqual(policy.spec.policyTypes, ['Egress']);
  const blocks = policy.spec.egress.flatMap(({to}: Loose) => to.flatMap(({ipBlock}: Loose) => ipBlock ?? []));
  const allowed = (address: string) =>
    blocks.some(({cidr, except = []}: Loose) => inside(address, [cidr]) && !inside(address, except));
  for (const address of ['169.254.169.254', '168.63.129.16']) t.false(allowed(address), address);
  // DNS on the node has such an address
  for (const address of ['169.254.20.10', '10.0.0.10', '20.190.128.1', '2603:1061:2002::1'])
    t.true(allowed(address), address);
});

for (const file of [
  'example/team-a/workload/job.yaml',
  'example/team-b/workload/job.yaml',
  'sidecar/job.yaml',
  'node/daemonset.yaml',
  'driver/daemonset.yaml',
]) {
  test(`${file}: containers are limited, and have no token of the API server`, (t) => {
    for (const {spec} of podsOf(objectsOf(file))) {
      t.false(spec.automountServiceAccountToken);
      t.false(spec.enableServiceLinks);
      t.falsy(spec.hostNetwork ?? spec.hostPID ?? spec.hostIPC);
      for (const {name, securityContext, resources, image} of containersOf(spec)) {
        t.true(securityContext.readOnlyRootFilesystem, name);
        t.deepEqual(securityContext.capabilities.drop, ['ALL'], name);
        // the engine that mounts
        if (!image.includes('spiffe-csi')) t.false(securityContext.allowPrivilegeEscalation, name);
        if (name !== 'build') t.truthy(resources.limits.memory, name);
      }
    }
  });
}

for (const file of [
  'example/team-a/workload/job.yaml',
  'example/team-b/workload/job.yaml',
  'sidecar/job.yaml',
]) {
  test(`${file}: it fits the restricted profile of Kubernetes`, (t) => {
    const allowed = [
      'configMap',
      'csi',
      'downwardAPI',
      'emptyDir',
      'ephemeral',
      'persistentVolumeClaim',
      'projected',
      'secret',
    ];
    for (const {spec} of podsOf(objectsOf(file))) {
      for (const {name, ...source} of spec.volumes)
        t.true(allowed.includes(Object.keys(source)[0] ?? ''), name);
      t.true(spec.securityContext.runAsNonRoot);
      t.is(spec.securityContext.seccompProfile.type, 'RuntimeDefault');
      for (const {
        securityContext: {runAsUser = spec.securityContext.runAsUser, capabilities},
      } of containersOf(spec)) {
        t.true(runAsUser > 0);
        t.is(capabilities.add, undefined);
      }
    }
  });
}

test('the daemon stops in the time that Kubernetes leaves it', (t) => {
  for (const file of ['node/daemonset.yaml', 'sidecar/job.yaml'])
    for (const {spec} of podsOf(objectsOf(file)))
      t.is(spec.terminationGracePeriodSeconds, STOP_SECONDS, file);
});

for (const file of ['node/config.yaml', 'example/config.yaml', 'sidecar/config.yaml']) {
  test(`${file} is valid, and its metrics are where the probe asks`, (t) => {
    const directory = scratchDirectory(t);
    const path = join(directory, 'config.yaml');
    const text = readFileSync(join(kubernetesFolder, file), 'utf8');
    writeFileSync(path, text, {mode: 0o600});
    const {stdout, stderr} = spawnSync(
      process.execPath,
      [main, 'config', 'check', '--json', '--config', path],
      {
        env: {
          HOME: directory,
          PATH: process.env['PATH'],
          AZURE_CLIENT_ID: `${'a'.repeat(8)}-0000-4000-8000-000000000000`,
          AZURE_TENANT_ID: `${'b'.repeat(8)}-0000-4000-8000-000000000000`,
        },
        encoding: 'utf8',
      },
    );
    t.like(JSON.parse(stdout), {valid: true, problems: []}, stderr);
    t.is(parse(text).orgkey.metrics.listen, '127.0.0.1:9464');
    t.regex(readFileSync(join(kubernetesFolder, 'probe/probe'), 'utf8'), /:-9464\}/);
  });
}

test('the probe tells a daemon that serves from one that hangs or is gone, without Node', async (t) => {
  const port = await freePort();
  const daemon = await daemonFor(t, {
    configuration: `integrations:
  azure:
    - {credentials: [{organizations: [contoso], personalAccessToken: {$command: [/bin/false]}}]}
orgkey: {metrics: {listen: '127.0.0.1:${port}'}}
`,
  });
  // its identity fails, which a restart does not repair
  await daemon.call('token', {organization: 'contoso', scope: undefined});
  const probe = () =>
    spawnSync('/bin/bash', [join(kubernetesFolder, 'probe/probe')], {
      // nothing but builtins can run
      env: {PATH: '/nonexistent', ORGKEY_METRICS_PORT: String(port)},
      encoding: 'utf8',
      timeout: 20_000,
    }).status;
  t.is(probe(), 0);
  daemon.process.kill('SIGSTOP');
  t.not(probe(), 0);
  daemon.process.kill('SIGCONT');
  await daemon.close();
  t.is(probe(), 1);
});

test('every probe runs that script', (t) => {
  for (const file of ['node/daemonset.yaml', 'sidecar/job.yaml']) {
    const daemons = podsOf(objectsOf(file))
      .flatMap(({spec}) => containersOf(spec))
      .filter(({name}) => name === 'orgkey');
    const probes = daemons
      .flatMap(({startupProbe, readinessProbe, livenessProbe}) => [
        startupProbe,
        readinessProbe,
        livenessProbe,
      ])
      .filter(Boolean);
    t.true(probes.length >= 2);
    for (const {exec} of probes) t.deepEqual(exec.command, ['bash', '/etc/orgkey/probe']);
  }
});
