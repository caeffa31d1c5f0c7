-- A worker that polls and beats, and whose slots are all held by tasks that do not end.
ALTER TABLE "worker_beats" ADD COLUMN "stuck" BOOLEAN NOT NULL DEFAULT false;
