// What a client developer does first, with nothing but the client generated from docs/openapi.json.
import assert from "node:assert/strict";

import { client } from "./generated/client.gen";
import {
  bulkTasks,
  createTask,
  deleteTask,
  getTask,
  listTasks,
  patchTask,
  replaceTask,
  searchTasks,
  searchTasksByQuery,
} from "./generated/sdk.gen";
import type { Task } from "./generated/types.gen";

const word = `round${Date.now()}`;

async function main(): Promise<void> {
  client.setConfig({ baseUrl: process.argv[2]! });
  const task = await one();
  await changed(task);
  await many();
  console.log("the round is done");
}

/** Creates a task, sends the same again, reads it. */
async function one(): Promise<Task> {
  const request = {
    headers: { "Idempotency-Key": word },
    body: { description: `buy ${word} milk`, priority: "high" },
  } as const;
  const created = await createTask(request);
  assert.equal(created.response?.status, 201);
  const task = created.data!.task;
  assert.equal(created.response.headers.get("etag"), '"1"');

  const again = await createTask(request);
  assert.equal(again.response?.headers.get("idempotency-replayed"), "true");
  assert.equal(again.response.headers.get("location"), `/tasks/${task.id}`);
  assert.deepEqual(again.data, created.data);
  const other = await createTask({ ...request, body: { description: "something else" } });
  assert.equal(other.response?.status, 422);
  assert.equal(other.error!.code, "idempotency-key-reused");

  const read = await getTask({ path: { id: task.id } });
  assert.deepEqual(read.data!.task, task);

  const wrong = await createTask({ body: { description: " " } });
  assert.equal(wrong.response?.status, 400);
  assert.equal(wrong.error!.errors![0]!.pointer, "/description");
  return task;
}

/** Replaces and patches the task, finds it in both ways, deletes it. */
async function changed(task: Task): Promise<void> {
  const path = { id: task.id };
  const first = { "If-Match": '"1"' };
  const replaced = await replaceTask({ path, headers: first, body: { ...task, isDone: true } });
  assert.equal(replaced.data!.task.version, 2);
  const late = await replaceTask({ path, headers: first, body: { description: "too late" } });
  assert.equal(late.response?.status, 412);
  assert.equal(late.error!.code, "version-mismatch");

  const due = "2026-05-02T09:00:00.000Z";
  const body = { priority: null, dates: { due } };
  const patched = await patchTask({ path, headers: { "If-Match": '"2"' }, body });
  assert.equal(patched.response?.headers.get("etag"), '"3"');
  const last = patched.data!.task;
  assert.deepEqual(
    [last.description, last.priority, last.dates, last.isDone],
    [task.description, "none", { start: null, due }, true],
  );

  const found = await until(async () => {
    const page = await searchTasks({ body: { description: word, isDone: true } });
    const tasks = page.data!.tasks;
    return page.data!.total === 1 && tasks[0]!.version === 3 ? tasks[0] : undefined;
  });
  assert.deepEqual(found, last);
  const byQuery = await searchTasksByQuery({ query: { q: word, isDone: true } });
  assert.deepEqual(byQuery.data!.tasks, [last]);

  const deleted = await deleteTask({ path });
  assert.deepEqual(deleted.data!.task, last);
  const gone = await getTask({ path });
  assert.equal(gone.response?.status, 404);
}

/** Creates tasks in bulk, walks their list page by page, deletes them with the one above them. */
async function many(): Promise<void> {
  const parent = (await createTask({ body: { description: word } })).data!.task;
  const parentId = parent.id;
  const numbers = [1, 2, 3, 4, 5];
  const made = await bulkTasks({
    body: {
      operations: [
        ...numbers.map((number) => ({
          op: "create" as const,
          task: { description: `${word} ${number}`, parentId },
        })),
        { op: "update", id: parentId, patch: { isDone: true }, ifMatch: '"1"' },
        { op: "create", task: { description: "" } },
      ],
    },
  });
  const results = made.data!.results;
  assert.deepEqual(results.map((result) => result.status), [201, 201, 201, 201, 201, 200, 400]);
  const refused = results[6]!;
  assert.ok("problem" in refused);
  assert.equal(refused.problem.errors![0]!.pointer, "/operations/6/task/description");

  const seen: string[] = [];
  for (let cursor: string | undefined, pages = 1; ; pages += 1) {
    const page = await listTasks({ query: { parentId, sort: "-createdAt", limit: 2, cursor } });
    seen.push(...page.data!.tasks.map((task) => task.id));
    if (page.data!.nextCursor === null) {
      assert.equal(pages, 3);
      break;
    }
    cursor = page.data!.nextCursor;
  }
  const created = results.flatMap((result) => (result.status === 201 && "task" in result ? [result.task.id] : []));
  assert.deepEqual(seen, created.reverse());

  const kept = await deleteTask({ path: { id: parentId } });
  assert.equal(kept.response?.status, 409);
  assert.equal(kept.error!.code, "has-subtasks");
  const gone = await deleteTask({ path: { id: parentId }, query: { cascade: true } });
  assert.equal(gone.response?.headers.get("x-consistency-token"), `${parentId}@3`);
  const left = await listTasks({ query: { parentId } });
  assert.deepEqual(left.data, { tasks: [], nextCursor: null });
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const started = Date.now(); Date.now() - started < 30_000; ) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error("it did not come in 30 s");
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
