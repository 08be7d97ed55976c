/** Collections on demand, without asking whoever runs the benchmark for `--expose-gc`. */
import * as v8 from "node:v8"
import * as vm from "node:vm"

v8.setFlagsFromString("--expose-gc")

const collect = vm.runInNewContext("gc") as (options?: { readonly type: "minor" }) => void

/** Everything that can go, goes: for weighing. It also throws away optimised code, which would be timed again. */
export const gc = (): void => collect()

/** Only the young generation, so that no contestant pays for the litter of the one before. */
export const sweep = (): void => collect({ type: "minor" })
