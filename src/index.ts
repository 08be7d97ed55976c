/**
 * Rescind: structured cancellation for Effect 4. The layers, one way only:
 *
 *     effect  <-  src/fibers  <-  src/combinators  <-  src/http  <-  src/examples
 *                      ^------------ src/testing
 *
 * `fibers` has reasons, the scope tree, tasks and nurseries; `combinators` the
 * ways to run several tasks; `http` serves tasks to clients. Each is a subpath of
 * its own; this module has the first two.
 *
 * @since 0.1.0
 */
export * from "./combinators/index.ts"
export * from "./fibers/index.ts"
