import type * as HttpApi from "effect/http-api/HttpApi"
import { describe, expectTypeOf, it } from "vitest"
import * as TaskApi from "../../src/http/TaskApi.ts"
import { Wait } from "./probes.ts"

type GroupsOf<Api> = Api extends HttpApi.HttpApi<string, infer Groups> ? Groups["identifier"] : never

describe("TaskApi", () => {
  it("has the group of the probes unless it is told that the server has none", () => {
    const api = TaskApi.make([Wait], { title: "Probes" })
    expectTypeOf<GroupsOf<typeof api>>().toEqualTypeOf<"start" | "tasks" | "server">()
    expectTypeOf(api).toEqualTypeOf<TaskApi.TaskApi<typeof Wait>>()
    const unprobed = TaskApi.make([Wait], { health: false })
    expectTypeOf<GroupsOf<typeof unprobed>>().toEqualTypeOf<"start" | "tasks">()
    expectTypeOf(unprobed).toEqualTypeOf<TaskApi.TaskApi<typeof Wait, false>>()
  })

  it("is either where that is known at run time only", () => {
    const api = TaskApi.make([Wait], { health: true as boolean })
    expectTypeOf(api).toEqualTypeOf<TaskApi.TaskApi<typeof Wait> | TaskApi.TaskApi<typeof Wait, false>>()
  })
})
