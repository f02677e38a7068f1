// SPDX-License-Identifier: MIT
#include "core/context/compaction.h"

#include "core/context/shorten.h"

enum { SCRATCH_MAX = 256 << 20, TEXT_MAX = 64 << 20 };

void compaction_prompt(struct str instructions, struct buf *out)
{
    buf_add_str(
        out,
        STR("You write the memory of a coding agent whose context window is full. You get the "
            "older part of its work: what a person asked, what the agent said, which tools it "
            "called, and with what result. The agent goes on with nothing of it but your summary, "
            "so keep whatever it needs to do the right thing next, and nothing else. Write plain "
            "text under these headings, and leave out a heading that has nothing:\n\n"
            "Task: what the person wants, with every condition they named, in their words where "
            "they matter.\n"
            "Decisions: what was decided, and why.\n"
            "Files: each file that was touched or matters, with path, and what was done to it or "
            "found in it (names of functions, lines, values that are needed again).\n"
            "Failed: what was tried and did not work, with the decisive line of the error.\n"
            "Next: what is still to be done, in order.\n"
            "Open questions: what is not known, or waits for the person.\n\n"
            "Do not invent anything. Do not address anybody. Use at most 1,500 words."));
    if (instructions.len) {
        buf_add_str(out, STR("\n\nThe person asks you to mind this: "));
        buf_add_str(out, instructions);
    }
}

static bool goes(const struct compaction *compaction, const struct item *item)
{
    const struct window *window = compaction->window;
    bool is_part =
        item->kind == ITEM_USER || item->kind == ITEM_ASSISTANT || item->kind == ITEM_TOOL;
    return is_part && item->seq >= window->compacted && item->seq < compaction->boundary &&
           !window_is_pinned(window, item->seq);
}

size_t compaction_items(const struct compaction *compaction)
{
    size_t count = 0;
    list_for_each(node, &compaction->transcript->items)
    {
        count += goes(compaction, list_entry(node, struct item, node));
    }
    return count;
}

static const struct item *last_summary(const struct compaction *compaction)
{
    list_for_each(node, &compaction->transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_COMPACTION && item->seq == compaction->window->summary)
            return item;
    }
    return NULL;
}

// --- for the model ---

static void add_shortened(struct buf *out, struct str text, size_t keep)
{
    struct arena arena;
    arena_init(&arena, SCRATCH_MAX);
    buf_add_str(out, shorten_text(&arena, text, keep, NULL));
    buf_add_str(out, STR("\n"));
    arena_release(&arena);
}

static void add_item(struct buf *out, const struct item *item, size_t keep)
{
    if (item->kind == ITEM_TOOL) {
        buf_addf(out, "\n## Tool %s%s\n", item->name ? item->name : "?",
                 item->status == ITEM_COMPLETED ? "" : " (failed)");
        add_shortened(out, str_of(item->input), keep / 2);
    } else if (item->text.len == 0) {
        return;
    } else {
        buf_add_str(out,
                    item->kind == ITEM_USER ? STR("\n## The person\n") : STR("\n## The agent\n"));
    }
    add_shortened(out, buf_str(&item->text), item->kind == ITEM_TOOL ? keep : keep * 2);
}

static void render(const struct compaction *compaction, size_t keep, struct buf *out)
{
    const struct item *summary = last_summary(compaction);
    if (summary) {
        buf_add_str(out, STR("## Summary of what was before\n"));
        buf_add_str(out, buf_str(&summary->text));
        buf_add_str(out, STR("\n"));
    }
    list_for_each(node, &compaction->transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (goes(compaction, item))
            add_item(out, item, keep);
    }
}

void compaction_text(const struct compaction *compaction, size_t max, struct buf *out)
{
    static const size_t keeps[] = {4000, 1500, 500, 150};
    struct buf text;
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < sizeof(keeps) / sizeof(*keeps); i++) {
        buf_clear(&text);
        render(compaction, keeps[i], &text);
        if (!text.overflow && text.len <= max)
            break;
    }
    if (text.len > max)
        add_shortened(out, buf_str(&text), max);
    else
        buf_add_str(out, buf_str(&text));
    buf_release(&text);
}

// --- without a model ---

struct names {
    struct str list[COMPACTION_FILES_MAX];
    size_t counts[COMPACTION_FILES_MAX];
    size_t count, left_out;
};

static void add_name(struct names *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal(names->list[i], name)) {
            names->counts[i]++;
            return;
        }
    }
    if (names->count == COMPACTION_FILES_MAX) {
        names->left_out++;
        return;
    }
    names->list[names->count] = name;
    names->counts[names->count++] = 1;
}

static void write_names(struct buf *out, const char *title, const struct names *names, bool counted)
{
    if (names->count == 0)
        return;
    buf_addf(out, "%s:", title);
    for (size_t i = 0; i < names->count; i++) {
        buf_addf(out, "%s %.*s", i ? "," : "", STR_ARG(names->list[i]));
        if (counted)
            buf_addf(out, " (%zu)", names->counts[i]);
    }
    if (names->left_out)
        buf_addf(out, ", and %zu more", names->left_out);
    buf_add_str(out, STR("\n"));
}

struct gathered {
    struct arena arena;
    struct names tools, written, read, failed;
    struct str commands[COMPACTION_COMMANDS_MAX];
    size_t command_count;
    const struct item *first_word, *last_word, *last_message;
};

static void gather_tool(struct gathered *all, const struct item *item)
{
    struct err ignored;
    struct json *json;
    if (item->name)
        add_name(&all->tools, str_of(item->name));
    if (item->status == ITEM_FAILED && item->title)
        add_name(&all->failed, str_of(item->title));
    if (item->paths && json_parse(&json, &all->arena, str_of(item->paths), &ignored)) {
        json_for_each(path, json)
        {
            if (path->type == JSON_STRING)
                add_name(&all->written, path->string);
        }
    }
    if (!item->input || !json_parse(&json, &all->arena, str_of(item->input), &ignored))
        return;
    struct str path = json_str(json, "path"), command = json_str(json, "command");
    if (path.len && item->name && strcmp(item->name, "read") == 0)
        add_name(&all->read, path);
    if (command.len)
        all->commands[all->command_count++ % COMPACTION_COMMANDS_MAX] = command;
}

static void gather(const struct compaction *compaction, struct gathered *all)
{
    list_for_each(node, &compaction->transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (!goes(compaction, item))
            continue;
        if (item->kind == ITEM_TOOL)
            gather_tool(all, item);
        else if (item->kind == ITEM_USER)
            all->last_message = item;
        else if (item->text.len)
            all->last_word = item;
        if (!all->first_word && item->kind == ITEM_ASSISTANT && item->text.len)
            all->first_word = item;
    }
}

static void write_word(struct buf *out, const char *title, const struct item *item)
{
    enum { WORD_KEPT = 1200 };
    if (!item)
        return;
    buf_addf(out, "%s:\n", title);
    add_shortened(out, buf_str(&item->text), WORD_KEPT);
}

static void write_commands(struct buf *out, const struct gathered *all)
{
    enum { COMMAND_KEPT = 200 };
    size_t kept =
        all->command_count < COMPACTION_COMMANDS_MAX ? all->command_count : COMPACTION_COMMANDS_MAX;
    if (kept)
        buf_addf(out, "The last %zu commands:\n", kept);
    for (size_t i = all->command_count - kept; i < all->command_count; i++) {
        buf_add_str(out, STR("- "));
        add_shortened(out, all->commands[i % COMPACTION_COMMANDS_MAX], COMMAND_KEPT);
    }
}

void compaction_mechanical(const struct compaction *compaction, struct buf *out)
{
    enum { SUMMARY_KEPT = 6000 };
    struct gathered all = {0};
    const struct item *summary = last_summary(compaction);
    arena_init(&all.arena, SCRATCH_MAX);
    gather(compaction, &all);
    buf_add_str(out, STR("(This was put together without a model.)\n"));
    if (summary)
        add_shortened(out, buf_str(&summary->text), SUMMARY_KEPT);
    write_word(out, "The person's newest message in this part", all.last_message);
    if (all.first_word != all.last_word)
        write_word(out, "The agent's first words in it", all.first_word);
    write_word(out, "The agent's last words in it", all.last_word);
    write_names(out, "Tools called", &all.tools, true);
    write_names(out, "Files changed", &all.written, false);
    write_names(out, "Files read", &all.read, false);
    write_names(out, "Calls that failed", &all.failed, false);
    write_commands(out, &all);
    arena_release(&all.arena);
}
