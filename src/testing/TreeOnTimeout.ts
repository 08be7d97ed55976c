/**
 * Says what a test was waiting for when its time ran out. A test runner that times out interrupts the test; `around`
 * then prints, before anything stops, the tree of tasks as text: who runs, for how long, who was asked to stop, why and
 * since when; under `Leaks.check` also the live fibers and the gates that hold somebody. If something does not stop
 * within a second it is printed again, with what holds it up. `it.leakChecked` has it built in, and puts the text into
 * the failure of the test.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TaskTree from "../fibers/TaskTree.ts"
import { heldBack } from "./internal/held.ts"
import { Current } from "./Leaks.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Where the text goes. Default: standard error. */
  readonly print?: ((text: string) => void) | undefined
}

/**
 * The effect, as it is, on a fiber of its own; whoever interrupts it gets the text printed.
 *
 * @category checkers
 * @since 0.1.0
 */
export const around = <A, E, R>(effect: Effect.Effect<A, E, R>, options: Options = {}): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const print = options.print ?? toStandardError
    const say = (head: string) => Effect.map(nowAsText, (text) => print(`${head}${text}`))
    const fiber = yield* Effect.forkChild(effect)
    const stopped = Effect.gen(function* () {
      yield* say("It was interrupted while this ran")
      const slow = yield* Effect.forkChild(
        Effect.andThen(realClock.sleep(patience), say("One second later this has still not stopped"))
      )
      yield* Fiber.interrupt(fiber)
      yield* Fiber.interrupt(slow)
    })
    return yield* yield* Effect.onInterrupt(Fiber.await(fiber), () => stopped)
  })

/** What runs now below the current fiber's tree, as text. */
const nowAsText: Effect.Effect<string> = Effect.withFiber((fiber) =>
  Effect.map(TaskTree.snapshot, (snapshot) => {
    const watch = fiber.getRef(Current)
    const clock = fiber.getRef(Clock.Clock)
    const time = "adjust" in clock ? `, at ${clock.currentTimeMillisUnsafe()} ms of the test clock:` : ":"
    return [time, TaskTree.toText(snapshot), ...(watch?.names ?? []), ...heldBack(watch?.gates ?? [])].join("\n")
  })
)

const realClock = Context.get(Context.empty(), Clock.Clock)
const patience = Duration.seconds(1)

// The console of the test may be a fake, which keeps what is written to it.
const toStandardError = (text: string): void => globalThis.console.error(text)
