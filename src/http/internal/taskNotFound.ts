import { Problem } from "../Problem.ts"

export const taskNotFound = (id: string, extension?: Problem["extension"]): Problem =>
  new Problem({
    code: "task-not-found",
    detail: `There is no task "${id}": it was never started, or it ended long ago and was forgotten`,
    ...(extension === undefined ? {} : { extension })
  })
