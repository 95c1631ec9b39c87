import { z } from 'zod';
import { type Bundle, bundles } from '../world/bundles.ts';
import { ApiError } from '../world/world.ts';
import { json, page } from './answers.ts';
import { many, paging } from './lists.ts';
import { type Route, route } from './router.ts';

/** Of the whole public API, of which this is a part; clients read it before anything else. */
const API_VERSION = { major: 2, minor: 49, versionString: '2.49.0' };

/** Clients write it in both ways; every bundle serves every use case. */
const useCases = { useCases: many(z.string()), use_cases: many(z.string()) };

/** The routes beside the Workload API that its clients need: version, account and sizes of compute. */
export const platformRoutes: Route[] = [
  route('GET', 'version', {}, () => json(API_VERSION)),
  route('GET', 'account/info', {}, ({ world }) =>
    json({
      uid: world.userId,
      email: 'user@example.com',
      firstName: 'Example',
      lastName: 'User',
      orgId: world.orgId,
      tenantId: world.tenantId,
      limits: world.settings.limits,
    }),
  ),
  route('GET', 'mlops/compute/bundles', { query: { ...paging, ...useCases } }, (call) =>
    json(page(bundles.map(bundleDocument), { url: call.url, ...call.query })),
  ),
  route('GET', 'mlops/compute/bundles/:id', {}, ({ params }) => {
    const bundle = bundles.find(({ id }) => id === params.id);
    if (bundle === undefined) throw new ApiError(404, 'Resource bundle not found');
    return json(bundleDocument(bundle));
  }),
  route('GET', 'openapi.yaml', {}, () => {
    throw new ApiError(501, 'Not implemented by this emulator: GET /openapi.yaml');
  }),
];

const bundleDocument = ({ id, name, cpuCount, memoryBytes }: Bundle) => ({
  id,
  name,
  description: `${cpuCount} CPU | ${memoryBytes / 1024 ** 2} MiB RAM`,
  cpuCount,
  memoryBytes,
  gpuCount: 0,
  gpuMaker: null,
  gpuTypeLabel: null,
  gpuMemoryBytes: 0,
  hasGpu: false,
  useCases: ['customApplication', 'customJob', 'customModel'],
  isDefault: id === 'cpu.small',
  isDeleted: false,
});
