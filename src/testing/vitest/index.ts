/**
 * The checkers as tests of vitest. Everything of `@effect/vitest`, with an `it` that also has `it.cancelEverywhere`,
 * `it.explore`, `it.laws` and `it.leakChecked`. Needs the peers `vitest` and `@effect/vitest`; `rescind/testing` does
 * without.
 *
 * @since 0.1.0
 */
export * from "@effect/vitest"
export { it, makeMethods } from "./Methods.ts"
export type {
  Check,
  CheckedProgram,
  Checker,
  CheckerOptions,
  LayerMethods,
  LeakCheck,
  Methods,
  ProofMethods,
  TestableLaw
} from "./Methods.ts"
