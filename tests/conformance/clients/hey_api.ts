// The TypeScript client of @hey-api/openapi-ts (the folder `hey`), at all 17 operations: URL and token are arguments.

import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";

import { client } from "./hey/client.gen";
import * as api from "./hey/index";

const always = { throwOnError: true } as const;

async function madeBy(requestId: string): Promise<number> {
  for (;;) {
    const status = (await api.getAiBroadcastStatus({ path: { Id: requestId }, ...always })).data;
    if (status.status === "success") return status.broadcastId!;
    await setTimeout(100);
  }
}

async function main(): Promise<void> {
  const [url, token] = process.argv.slice(2);
  client.setConfig({ baseUrl: `${url}/api/3`, auth: token, throwOnError: true });
  const days = { start_date: "2020-01-01", end_date: "2030-01-01" };

  const credits = (await api.getSmsCreditData(always)).data;
  assert.ok((credits.smsCredits?.available ?? 0) > 0);
  const page = (
    await api.listBroadcasts({
      query: {
        limit: 100,
        "filters[name]": "sale",
        "filters[status]": "sent",
        "filters[type]": "x",
        "orders[field]": "DESC",
        ...days,
      },
      ...always,
    })
  ).data;
  assert.equal(page.broadcasts?.length, page.meta?.total);
  assert.ok((await api.listBroadcastLists({ query: { "filters[name]": "a" }, ...always })).data.lists?.length);

  const wanted = { name: "Sale", body: "20% off", list_ids: [1], label_ids: [1, 2], scheduled_date: "2030-01-01T00:00:00Z" };
  const draft = (await api.createBroadcast({ body: wanted, ...always })).data;
  const path = { id: draft.id! };
  const changed = (await api.updateBroadcast({ path, body: { body: "25% off" }, ...always })).data;
  assert.deepEqual([changed.id, changed.body], [draft.id, "25% off"]);
  assert.equal((await api.getBroadcast({ path, ...always })).data.name, "Sale");

  const words = { prompt: "Shorter", tone: "casual", source: "ai_builder" } as const;
  const made = await madeBy((await api.createAiBroadcast({ body: words, ...always })).data.requestId!);
  const asked = (await api.updateAiBroadcast({ body: { ...words, broadcastId: made }, ...always })).data;
  assert.equal(await madeBy(asked.requestId!), made);
  await api.deleteBroadcast({ path: { id: made }, ...always });

  const both = { ids: [1, 2] };
  const metrics = (await api.getBroadcastMetrics({ body: both, query: days, ...always })).data.metrics!;
  const one = metrics[0]!;
  const all = (await api.getBroadcastSnapshot({ query: days, ...always })).data.snapshot!;
  assert.ok(all.sends! > one.sends!);
  const some = (await api.getBroadcastSnapshotByIds({ body: { ids: [1] }, ...always })).data.snapshot!;
  assert.equal(some.sends, one.sends);
  const first = { broadcastId: 1 };
  const failures = (await api.getBroadcastFailures({ path: first, query: days, ...always })).data.failures!;
  assert.equal(failures.reduce((sum, each) => sum + each.count!, 0), one.failures);
  const people = (await api.getBroadcastRecipients({ path: first, query: { limit: 100, ...days }, ...always })).data;
  assert.equal(people.meta?.total, one.sends);
  // A wall clock that doesn't say whose. JavaScript would take it for that of whoever reads it.
  assert.match(people.recipients![0]!.sentDate!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const engaged = (
    await api.getBroadcastRecipients({
      path: first,
      query: { "filters[engagement][]": ["clicks", "optOuts"], "order[field]": "name" },
      ...always,
    })
  ).data;
  assert.ok(0 < engaged.meta!.total! && engaged.meta!.total! < one.sends!);
  const rows = (await api.exportBroadcastMetrics({ body: both, ...always })).data;
  assert.ok(rows.startsWith("id,"));
  const found = (await api.exportBroadcastRecipients({ path: first, body: { search: "a" }, ...always })).data;
  assert.ok(found.startsWith("id,"));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
