/** Counts the primes below a number, on request with less than all of them: a script of `KillableWorker.test.ts`. */
import type { KillableWorker } from "../../../src/fibers/index.ts"

export interface Primes {
  readonly below: number
  readonly found: number
}

const isPrime = (candidate: number): boolean => {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false
  return candidate > 1
}

export default (input: { readonly below: number }, context: KillableWorker.ScriptContext): Primes => {
  let found = 0
  for (let candidate = 2; candidate < input.below; candidate++) {
    if (context.cancelRequested()) return { below: candidate, found }
    if (isPrime(candidate)) found++
    if (found === 1) context.send("up")
  }
  return { below: input.below, found }
}
