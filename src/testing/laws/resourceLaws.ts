/** What holds for a resource of a scope, whose fakes tell the ledger what they open and close. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Ledger from "../Ledger.ts"
import type { Trial } from "../Trial.ts"
import { closings, law, type Law, type LawOptions, leftovers, type Scenario } from "./Law.ts"
import { mentions } from "./mentions.ts"
import { when } from "./stage.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface ResourceOptions extends LawOptions {
  /** How long a cancel may take, release included, in virtual time. Default: 1 second. */
  readonly within?: Duration.Input | undefined
  /** The same resource, whose acquisition fails after it has opened something. */
  readonly failing?: Effect.Effect<unknown, unknown, Scope.Scope> | undefined
  /** The same resource, whose release dies of an `Error` with the message "broken release". */
  readonly broken?: Effect.Effect<unknown, unknown, Scope.Scope> | undefined
}

type Acquire = Effect.Effect<unknown, unknown, Scope.Scope>

/** How long it is held. */
const held = Effect.sleep(10)

const brokenRelease = "broken release"

export const resourceLaws = (acquire: Acquire, options: ResourceOptions = {}): ReadonlyArray<Law> => {
  const { broken, failing, within = "1 second" } = options
  const use = Ledger.watch("its user")(held)
  const used: Scenario = {
    where: "it is acquired and used",
    program: () => ({ program: Effect.andThen(acquire, use) })
  }
  const inner: Scenario = {
    where: "its scope closes before the task ends",
    program: () => ({ program: Effect.andThen(Effect.scoped(Effect.andThen(acquire, use)), held) })
  }
  return [
    law(
      "K15",
      "It tells the ledger what it opens",
      [],
      [{ ...used, calm: true, program: opensSomething(acquire) }],
      options
    ),
    law("K15", "Interrupted at any point of its acquisition it leaks nothing", closings, [used, inner], options),
    law("K15", "It is released exactly once, when its scope closes", closings, [{ ...inner, calm: true }], options),
    law("K15", "It is open for as long as its scope is", [], [{ ...used, program: openWhileUsed(acquire) }], options),
    law(
      "K15",
      "It is released after its user has cleaned up",
      [],
      [{ ...used, program: releasedLast(acquire) }],
      options
    ),
    law(
      "K15",
      "A second cancel cuts neither acquisition nor release short",
      [...closings, ...leftovers],
      [{ ...inner, where: "a second cancel comes at any point after the first", again: true }],
      options
    ),
    law(
      "K27",
      "Two of them side by side do not disturb each other",
      closings,
      [
        {
          where: "two are acquired at the same time",
          program: () => {
            const one = Effect.scoped(Effect.andThen(acquire, use))
            return { program: Effect.all([one, one], { concurrency: "unbounded" }) }
          }
        }
      ],
      options
    ),
    law("K1", "It leaves no fiber, timer or scope behind", leftovers, [used, inner], options),
    law(
      "K12",
      "A cancel ends within its bound, release included",
      ["slow"],
      [{ ...used, options: { within } }],
      options
    ),
    ...when(failing !== undefined, () => [
      law(
        "K15",
        "If its acquisition fails, what was opened by then is closed",
        [...closings, ...leftovers],
        [
          {
            where: "its acquisition fails",
            program: () => ({
              program: failing!,
              invariant: ({ cancelled, outcome }) =>
                cancelled !== undefined || outcome?._tag === "Failed" ? undefined : "its acquisition did not fail"
            })
          }
        ],
        options
      )
    ]),
    ...when(broken !== undefined, () => [
      law(
        "K16",
        "A release that fails is told, on the outcome of the task",
        [],
        [
          {
            where: "its release dies",
            program: () => ({
              program: Effect.andThen(broken!, use),
              invariant: (trial) =>
                opened(trial) === 0 || told(trial) ? undefined : "nobody was told that its release died"
            })
          }
        ],
        options
      )
    ])
  ]
}

const opened = ({ ledger }: Trial): number => ledger.opened.length

const told = ({ outcome }: Trial): boolean => mentions(outcome, brokenRelease)

const opensSomething =
  (acquire: Acquire): Scenario["program"] =>
  () => ({
    program: Effect.andThen(acquire, held),
    invariant: (trial) =>
      opened(trial) > 0 ? undefined : "it opened nothing: put Ledger.opened and Ledger.closed into its fakes"
  })

const openWhileUsed =
  (acquire: Acquire): Scenario["program"] =>
  () => {
    let closedEarly: string | undefined
    const look = Effect.map(Ledger.Current, (ledger) => {
      closedEarly ??= ledger!.opened.find(({ released }) => released > 0)?.name
    })
    return {
      program: Effect.gen(function* () {
        yield* acquire
        yield* look
        yield* held
        yield* look
      }),
      invariant: () => (closedEarly === undefined ? undefined : `"${closedEarly}" was closed while its scope was open`)
    }
  }

const releasedLast =
  (acquire: Acquire): Scenario["program"] =>
  () => {
    let closedEarly: string | undefined
    const cleanUp = Effect.andThen(
      Effect.sleep(3),
      Effect.map(Ledger.Current, (ledger) => {
        closedEarly = ledger!.opened.find(({ released }) => released > 0)?.name
      })
    )
    return {
      program: Effect.flatMap(acquire, () => Effect.ensuring(held, cleanUp)),
      invariant: () =>
        closedEarly === undefined ? undefined : `"${closedEarly}" was closed before the clean-up of its user had ended`
    }
  }
