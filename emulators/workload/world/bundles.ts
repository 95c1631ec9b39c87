/** A named size of compute. */
export interface Bundle {
  id: string;
  name: string;
  cpuCount: number;
  memoryBytes: number;
}

const MIB = 1024 ** 2;

/** What the platform offers without a GPU, smallest first, by the names and sizes that its public clients list. */
export const bundles: readonly Bundle[] = (
  [
    ['cpu.nano', 'XXS', 1, 128],
    ['cpu.micro', 'XS', 1, 256],
    ['cpu.small', 'S', 1, 512],
    ['cpu.medium', 'M', 1, 1024],
    ['cpu.large', 'L', 2, 1536],
    ['cpu.xlarge', 'XL', 2, 2048],
    ['cpu.2xlarge', '2XL', 2, 3072],
    ['cpu.3xlarge', '3XL', 2, 4096],
    ['cpu.4xlarge', '4XL', 2, 6144],
    ['cpu.5xlarge', '5XL', 2, 8192],
    ['cpu.6xlarge', '6XL', 2, 10_240],
    ['cpu.7xlarge', '7XL', 2, 12_288],
    ['cpu.8xlarge', '8XL', 2, 14_336],
  ] as const
).map(([id, name, cpuCount, mebibytes]) => ({ id, name, cpuCount, memoryBytes: mebibytes * MIB }));

/** What the containers of a group ask for. */
export interface Need {
  cpu: number | null;
  gpu: number | null;
  /** Bytes. */
  memory: number | null;
}

/** The smallest bundle that has room for all containers of a group; undefined where none has. */
export function smallestBundle(needs: readonly Need[]): Bundle | undefined {
  const sum = (amount: (need: Need) => number | null) =>
    needs.reduce((total, need) => total + (amount(need) ?? 0), 0);
  const [cpu, gpu, memory] = [sum((need) => need.cpu), sum((need) => need.gpu), sum((need) => need.memory)];
  return gpu > 0 ? undefined : bundles.find((each) => each.cpuCount >= cpu && each.memoryBytes >= memory);
}
