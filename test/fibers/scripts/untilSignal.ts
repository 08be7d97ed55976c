/** A process for `ProcessMain.process.test.ts`: what it does is the first argument. */
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ProcessMain from "../../../src/fibers/ProcessMain.ts"

const holdsTheLoop = Effect.sync(() => setInterval(() => {}, 1000))

const programs: { readonly [name: string]: ProcessMain.Main<string> } = {
  // Nothing holds the event loop, and yet it must not end by itself.
  waits: ProcessMain.untilSignal(Effect.andThen(Console.log("up"), Effect.never)),
  returns: () => Effect.andThen(holdsTheLoop, Effect.succeed(7)),
  fails: () => Effect.andThen(holdsTheLoop, Effect.fail("no config")),
  dies: () => Effect.andThen(holdsTheLoop, Effect.die(new Error("bug"))),
  // Ends only by force.
  hangs: (signalled) =>
    Effect.andThen(
      Console.log("up"),
      Effect.andThen(signalled, Effect.uninterruptible(Effect.andThen(Console.log("told"), Effect.never)))
    ),
  slow: (signalled, exitWithin) =>
    Effect.gen(function* () {
      yield* Console.log("up")
      yield* signalled
      yield* exitWithin(Duration.millis(300))
      yield* Effect.never
    })
}

ProcessMain.run(process, programs[process.argv[2]!]!)
