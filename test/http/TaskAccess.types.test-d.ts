import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Config from "effect/Config"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe, expectTypeOf, it } from "vitest"
import * as BearerTokens from "../../src/http/BearerTokens.ts"
import * as TaskAccess from "../../src/http/TaskAccess.ts"

interface User extends TaskAccess.Caller {
  readonly id: string
  readonly roles: ReadonlyArray<string>
}

class Directory extends Context.Service<Directory, { readonly user: Effect.Effect<User> }>()("Directory") {}

const ann: User = { id: "ann", roles: [] }

describe("TaskAccess", () => {
  it("the rule is given the caller that identify finds", () => {
    TaskAccess.layer({
      identify: () => Effect.succeed(ann),
      may: (caller, action, task) => {
        expectTypeOf(caller).toEqualTypeOf<User>()
        expectTypeOf(action).toEqualTypeOf<"start" | "read" | "events" | "cancel">()
        expectTypeOf(task.owner).toEqualTypeOf<string | undefined>()
        return caller.roles.includes("admin")
      },
      inspect: ({ roles }) => roles.includes("admin")
    })
  })

  it("a rule for any caller is one for those with more; one that needs more is none for those with less", () => {
    const admins: TaskAccess.Rule<User> = ({ roles }) => roles.includes("admin")
    expectTypeOf(TaskAccess.owned).toExtend<TaskAccess.Rule<User>>()
    expectTypeOf<TaskAccess.Rule<User>>().not.toExtend<TaskAccess.Rule<TaskAccess.Caller>>()
    TaskAccess.layer({ identify: () => Effect.succeed(ann), may: admins })
    // @ts-expect-error it answers at once: what it needs to know is loaded by identify
    TaskAccess.layer({ identify: () => Effect.succeed(ann), may: () => Effect.succeed(true) })
    // @ts-expect-error these callers have no roles
    TaskAccess.layer({ identify: () => Effect.succeed({ id: "ann" }), may: admins })
  })

  it("what identify needs, the layer needs; it fails with a problem alone", () => {
    const identify = () => Effect.flatMap(Directory, (directory) => directory.user)
    expectTypeOf(TaskAccess.layer({ identify })).toEqualTypeOf<Layer.Layer<never, never, Directory>>()
    expectTypeOf(TaskAccess.layer({ identify: () => Effect.succeed(ann) })).toEqualTypeOf<Layer.Layer<never>>()
    // @ts-expect-error the answer is a problem
    TaskAccess.layer({ identify: () => Effect.fail("who?") })
  })

  it("a token stands for a caller of the rule", () => {
    const tokens = [{ token: Redacted.make("0123456789abcdef"), caller: ann }]
    expectTypeOf(BearerTokens.layer({ tokens, may: ({ roles }) => roles.includes("admin") })).toEqualTypeOf<
      Layer.Layer<never>
    >()
    // @ts-expect-error who comes without a token has no roles
    BearerTokens.layer<User>({ tokens, anonymous: { id: undefined } })
    // @ts-expect-error a token is redacted
    BearerTokens.layer({ tokens: [{ token: "0123456789abcdef", caller: ann }] })
    expectTypeOf(BearerTokens.config("TOKENS")).toExtend<
      Config.Config<ReadonlyArray<BearerTokens.Entry<TaskAccess.Caller>>>
    >()
  })
})
