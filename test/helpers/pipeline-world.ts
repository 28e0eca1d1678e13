import type {FederatedCredential} from '../cloud/directory.ts';
import {startCloud, type Cloud} from '../cloud/cloud.ts';

/**
 * Two organizations whose repositories have each other as submodules, in all forms in which people write their
 * addresses, and an application without a secret that may read both.
 */
export class PipelineWorld {
  readonly cloud: Cloud;
  readonly tenantId: string;
  readonly clientId: string;
  /** Its submodules: fabrikam over HTTPS, a sibling by a relative address, fabrikam over SSH. */
  readonly site: string;

  static async start(): Promise<PipelineWorld> {
    return new PipelineWorld(await startCloud());
  }

  private constructor(cloud: Cloud) {
    this.cloud = cloud;
    const tenant = cloud.addTenant();
    this.tenantId = tenant.id;
    const application = tenant.addApplication({secret: false});
    this.clientId = application.clientId;
    const contoso = cloud.addOrganization('contoso', {tenant, members: [application]});
    const fabrikam = cloud.addOrganization('fabrikam', {tenant, members: [application]});
    const lib = fabrikam.addRepository('Lib/lib', {files: {'lib.txt': 'lib'}});
    fabrikam.addRepository('Lib/deep', {files: {'deep.txt': 'deep'}});
    contoso.addRepository('Web/sibling', {files: {'sibling.txt': 'sibling'}});
    this.site = contoso.addRepository('Web/site', {
      files: {'site.txt': 'site'},
      submodules: [
        {path: 'lib', url: lib.url},
        {path: 'sibling', url: '../sibling'},
        {path: 'deep', url: 'git@ssh.dev.azure.com:v3/fabrikam/Lib/deep'},
      ],
    }).url;
    this.trust = (credential) => void application.federatedCredentials.push(credential);
  }

  /** Lets jobs with this subject act as the application. */
  readonly trust: (credential: FederatedCredential) => void;
}

/** What a clone of the site with its submodules has. */
const siteFiles = ['deep/deep.txt', 'lib/lib.txt', 'sibling/sibling.txt', 'site.txt'];

export const cloneSite = (url: string) =>
  `git clone --quiet --recurse-submodules ${url} clone && cd clone && git submodule --quiet foreach --recursive git status --short && cat ${siteFiles.join(' ')}`;
