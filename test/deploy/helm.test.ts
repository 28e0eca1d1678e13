import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Ajv} from 'ajv';
import test from 'ava';
import {parse} from 'yaml';
import {denials} from '../helpers/admission-policy.ts';
import {chart, renderChart, whyNotRendered} from '../helpers/helm-chart.ts';
import {
  faultsOf,
  kubernetesFolder,
  rendered,
  whyNotKustomized,
  type KubernetesObject,
  type Loose,
} from '../helpers/kubernetes-objects.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {VERSION} from '../../src/version.ts';

const withEngine = testUnless(whyNotRendered);
const besideKustomize = testUnless(whyNotRendered ?? whyNotKustomized);

/** What the overlay `example` says. */
const values = {
  image: {repository: 'registry.example.com/orgkey', tag: '0.1.0'},
  configuration: parse(readFileSync(join(kubernetesFolder, 'example/config.yaml'), 'utf8')),
  teams: [
    {name: 'team-a', place: 'scoped/team-a', namespaces: ['team-a']},
    {name: 'team-b', place: 'gateways/team-b', namespaces: ['team-b']},
  ],
};

/** Returns an object without what only kustomize or only Helm adds. */
function plain(object: KubernetesObject): Loose {
  const text = JSON.stringify(object).replaceAll(/"(orgkey|team-[ab]-driver)-[a-z0-9]{10}"/g, '"$1"');
  const {data, metadata, ...rest}: Loose = JSON.parse(text);
  const labels = Object.entries(metadata.labels ?? {}).filter(
    ([key]) => !/^(?:app\.kubernetes\.io|helm\.sh)\//.test(key),
  );
  delete rest.spec?.template?.metadata.annotations;
  return {
    ...rest,
    metadata: {...metadata, labels: Object.fromEntries(labels)},
    ...(data && {data: {...data, ...(data['config.yaml'] && {'config.yaml': parse(data['config.yaml'])})}}),
  };
}

/** Namespaces and what runs in them. */
const ofUsers = ({kind, metadata}: Loose) =>
  kind === 'Namespace' || kind === 'Job' || metadata.name === 'build';

const named = ({kind, metadata}: Loose) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`;
const inOrder = (objects: readonly KubernetesObject[]) =>
  objects.map(plain).toSorted((one, other) => named(one).localeCompare(named(other)));

besideKustomize('the chart and the overlay make the same objects', (t) => {
  t.deepEqual(
    inOrder(renderChart(t, values).objects),
    inOrder(rendered('example').filter((object) => !ofUsers(object))),
  );
});

withEngine('all objects of the chart are valid, and carry the labels of Helm', async (t) => {
  const {objects, notes} = renderChart(t, {
    ...values,
    hostNetwork: true,
    resources: {limits: {memory: '1Gi'}},
  });
  t.deepEqual(await faultsOf(t, objects), []);
  for (const {metadata} of objects)
    t.is(metadata.labels['app.kubernetes.io/managed-by'], 'Helm', metadata.name);
  const [{spec}] = objects.filter(
    ({kind, metadata}) => kind === 'DaemonSet' && metadata.name === 'orgkey',
  ) as [Loose];
  t.true(spec.template.spec.hostNetwork);
  t.deepEqual(spec.template.spec.containers[0].resources, {limits: {memory: '1Gi'}});
  t.regex(
    notes,
    /kubectl label namespace orgkey pod-security[^]*csi: \{driver: team-a-orgkey\.csi, readOnly: true\}/,
  );
});

withEngine('another namespace is protected like orgkey', (t) => {
  const {objects} = renderChart(t, values, 'credentials');
  const pod = {metadata: {}, spec: {containers: [], ephemeralContainers: [{name: 'x'}]}};
  const denied = (namespace: string) =>
    denials(objects, {resource: 'pods', operation: 'CREATE', object: pod, namespace});
  t.is(denied('credentials').length, 1);
  t.is(denied('orgkey').length, 0);
  const onNode = {spec: {containers: [], volumes: [{name: 'x', hostPath: {path: '/run/orgkey-node'}}]}};
  const mounting = (namespace: string) =>
    denials(objects, {resource: 'pods', operation: 'CREATE', object: onNode, namespace});
  t.is(mounting('orgkey').length, 1);
  t.is(mounting('credentials').length, 0);
});

withEngine(
  'a change of the configuration replaces the pods, and only of the team whose place changed',
  (t) => {
    const sums = (changed: Loose) =>
      Object.fromEntries(
        renderChart(t, {...values, ...changed})
          .objects.filter(({kind}) => kind === 'DaemonSet')
          .map(({metadata, spec}) => [metadata.name, JSON.stringify(spec.template.metadata.annotations)]),
      );
    const before = sums({});
    const differing = (after: Loose) => Object.keys(before).filter((name) => before[name] !== after[name]);
    const {configuration, teams} = values;
    t.deepEqual(differing(sums({configuration: {...configuration, more: 1}})), ['orgkey']);
    const [first] = teams;
    t.deepEqual(differing(sums({teams: [first, {name: 'team-b', place: 'scoped/team-a'}]})), [
      'team-b-orgkey-driver',
    ]);
  },
);

withEngine('an image is named by digest or by tag, by default that of the version', (t) => {
  const image = (of: Loose) => {
    const {objects} = renderChart(t, {...values, image: of});
    const [{spec}] = objects.filter(
      ({kind, metadata}) => kind === 'DaemonSet' && metadata.name === 'orgkey',
    ) as [Loose];
    return spec.template.spec.containers[0].image;
  };
  const digest = `sha256:${'a'.repeat(64)}`;
  t.is(image({repository: 'example.com/orgkey'}), `example.com/orgkey:${VERSION}`);
  t.is(image({repository: 'example.com/orgkey', tag: 'x', digest}), `example.com/orgkey@${digest}`);
});

withEngine('without a configuration the chart renders nothing and says why', (t) => {
  const {objects, stderr} = renderChart(t, {});
  t.regex(stderr, /set `configuration`: the content of config\.yaml/);
  t.false(objects.some(({kind}) => kind === 'DaemonSet'));
});

test('the schema of the values knows every value, and refuses wrong ones', (t) => {
  const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8'));
  const check = new Ajv({strict: false}).compile(schema);
  const defaults = parse(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  const isValid = (changed: Loose) => check({...defaults, ...values, ...changed});
  t.true(isValid({}), JSON.stringify(check.errors));
  t.true(check(defaults));
  for (const wrong of [
    {configuraton: {}},
    {teams: [{name: 'Team A', place: 'scoped/team-a'}]},
    {teams: [{name: 'team-a', place: '../control'}]},
    {teams: [{name: 'team-a', place: 'scoped/team-a/..'}]},
    {image: {repository: 'x', digest: 'sha256:1'}},
    {admission: {enabled: 'no'}},
  ])
    t.false(isValid(wrong), JSON.stringify(wrong));
});

test('chart and orgkey have one version', (t) => {
  const {version, appVersion} = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'));
  t.deepEqual([version, appVersion], [VERSION, VERSION]);
});
