/**
 * A worker in a process of its own, for as long as the scope is open. Its standard input is the leash: when that ends,
 * because the scope closes or because this process dies in whatever way, the worker shuts down by itself.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as path from "node:path"
import { WrongUse } from "./commandLine.ts"

const main = path.resolve(import.meta.dirname, "../main.ts")

/** After so long it is killed. */
const patience = "4 seconds"

/** Starts it; `isReady` is asked until the worker has reported for duty. */
export const start = (
  server: string,
  name: string,
  isReady: Effect.Effect<boolean>
): Effect.Effect<void, WrongUse, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [main, "worker", `--server=${server}`, `--name=${name}`, "--with-parent"], {
          stdio: ["pipe", "ignore", "inherit"]
        })
      ),
      (child) =>
        Effect.suspend(() => {
          child.stdin.end()
          return Effect.timeoutOption(ended(child), patience)
        }).pipe(Effect.andThen(Effect.sync(() => child.kill("SIGKILL"))))
    )
    const early = Effect.flatMap(ended(child), () =>
      Effect.fail(new WrongUse({ message: `The worker process ended (${child.exitCode}) before it was ready` }))
    )
    yield* Effect.raceFirst(Effect.repeat(Effect.delay(isReady, 10), { until: (ready) => ready }), early)
  })

const ended = (child: ReturnType<typeof spawn>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    const onEnd = (): void => resume(Effect.void)
    child.once("exit", onEnd).once("error", onEnd)
    return Effect.sync(() => child.off("exit", onEnd).off("error", onEnd))
  })
