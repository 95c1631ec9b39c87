/** A metric as it was logged, and as the rows give it. */
interface Recomputed {
  readonly logged: number;
  readonly computed: number;
}

/** MLflow's tables hold floats with 10 decimals; what differs by more was computed from something else. */
const RECOMPUTED_TOLERANCE = 1e-6;

/** Whether both agree to 1e-6 of the larger (or of 1, where both are smaller). What is not finite agrees with nothing. */
export function agrees({ logged, computed }: Recomputed): boolean {
  const scale = Math.max(1, Math.abs(logged), Math.abs(computed));
  return Number.isFinite(scale) && Math.abs(logged - computed) <= RECOMPUTED_TOLERANCE * scale;
}
