/**
 * A worker in a process of its own, for as long as the scope is open. Its standard input is the leash: when that ends,
 * because the scope closes or because this process dies in whatever way, the worker shuts down by itself.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as path from "node:path"
import { WrongUse } from "./commandLine.ts"

const main = path.resolve(import.meta.dirname, "../main.ts")

/** After so long it is killed. */
const patience = "4 seconds"

/** Starts it; `isReady` is asked until the worker has reported for duty. One that dies later is replaced. */
export const start = (
  server: string,
  name: string,
  isReady: Effect.Effect<boolean>
): Effect.Effect<void, WrongUse, Scope.Scope> =>
  Effect.gen(function* () {
    let hasBeenReady = false
    const life = Effect.gen(function* () {
      const child = yield* open(server, name)
      yield* ended(child)
      const how = `The worker process "${name}" ended (${child.signalCode ?? child.exitCode})`
      if (!hasBeenReady) return yield* Effect.fail(new WrongUse({ message: `${how} before it was ready` }))
      yield* Effect.logWarning(`${how}: another one takes its place`)
      return yield* Effect.sleep("200 millis")
    }).pipe(Effect.scoped)
    const lives = yield* Effect.forkScoped(Effect.forever(life))
    yield* Effect.raceFirst(Effect.repeat(Effect.delay(isReady, 10), { until: (ready) => ready }), Fiber.join(lives))
    hasBeenReady = true
  })

const open = (server: string, name: string): Effect.Effect<ReturnType<typeof spawn>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [main, "worker", `--server=${server}`, `--name=${name}`, "--with-parent"], {
        stdio: ["pipe", "ignore", "inherit"]
      })
    ),
    (child) =>
      Effect.suspend(() => {
        child.stdin?.end()
        return Effect.timeoutOption(ended(child), patience)
      }).pipe(Effect.andThen(Effect.sync(() => child.kill("SIGKILL"))))
  )

const ended = (child: ReturnType<typeof spawn>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    const onEnd = (): void => resume(Effect.void)
    child.once("exit", onEnd).once("error", onEnd)
    return Effect.sync(() => child.off("exit", onEnd).off("error", onEnd))
  })
