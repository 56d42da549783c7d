-- Inline completion through a cursor-api gateway: one request to `POST /cpp/stream` at a time, by
-- curl; its edits shown as ghost text; a key that makes them and goes on to the predicted place.

local M = {}

local options = {
  url = vim.env.CURSOR_API_URL or "http://127.0.0.1:3000",
  key = vim.env.CURSOR_API_KEY,
  model = nil, -- one of /cpp/models; nil is the service's default
  accept = "<Tab>",
  dismiss = "<C-]>",
  debounce = 150, -- milliseconds without a change
  timeout = 30, -- seconds for a whole answer
  histories = 10, -- edits of a file that are told
  max_bytes = 500000, -- larger files are left alone
}

local space = vim.api.nvim_create_namespace("cursor_api")
local edits = {} -- buffer -> what is known of the user's last edits
local running -- the request on its way
local shown -- what is offered: { buf, row, tick, lines?, jump? }
local timer
local complained -- the last trouble, told once

local function buffer_lines(buf)
  return vim.api.nvim_buf_get_lines(buf, 0, -1, false)
end

local function joined(lines)
  return table.concat(lines, "\n") .. "\n"
end

local function hunks(old, new)
  return vim.diff(joined(old), joined(new), { result_type = "indices" })
end

-- Edits ------------------------------------------------------------------------------------------

-- Changes as the service wants them: `N-|old line`, `N+|new line`.
local function told(old, new, changes)
  local out = {}
  for _, change in ipairs(changes) do
    local a, count_a, b, count_b = unpack(change)
    for at = a, a + count_a - 1 do
      out[#out + 1] = ("%d-|%s\n"):format(at, old[at])
    end
    for at = b, b + count_b - 1 do
      out[#out + 1] = ("%d+|%s\n"):format(at, new[at])
    end
  end
  return table.concat(out)
end

-- A change grows while it stays one piece, so that a word typed slowly is one edit, not five.
local function note_edits(buf)
  local now = buffer_lines(buf)
  local known = edits[buf]
  if not known then
    edits[buf] = { base = now, last = now, settled = {} }
    return edits[buf]
  end
  if known.open and #hunks(known.base, now) > 1 then
    known.settled[#known.settled + 1] = known.open
    known.base, known.open = known.last, nil
  end
  local changes = hunks(known.base, now)
  known.open = #changes > 0 and { text = told(known.base, now, changes), at = os.time() * 1000 }
    or nil
  known.last = now
  while #known.settled > options.histories do
    table.remove(known.settled, 1)
  end
  return known
end

local function settle(buf)
  local known = note_edits(buf)
  known.settled[#known.settled + 1] = known.open
  known.base, known.open = known.last, nil
end

-- The question -----------------------------------------------------------------------------------

local function question(buf, source)
  local known = note_edits(buf)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local line = known.last[row] or ""
  local cursor = { line = row - 1, column = vim.fn.strutf16len(line:sub(1, column)) }
  local path = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buf), ":.")
  local history, times = {}, {}
  local function tell(edit)
    history[#history + 1], times[#times + 1] = edit.text, edit.at
  end
  vim.iter(known.settled):each(tell)
  if known.open then
    tell(known.open)
  end
  local now = os.time() * 1000
  local histories = {}
  if #history > 0 then
    histories[1] = { file_name = path, diff_history = history, diff_history_timestamps = times }
  end
  return {
    current_file = {
      relative_workspace_path = path,
      contents = joined(known.last),
      cursor_position = cursor,
      selection = { start_position = cursor, end_position = cursor },
      total_number_of_lines = #known.last,
      language_id = vim.bo[buf].filetype,
      line_ending = "\n",
    },
    model_name = options.model,
    file_diff_histories = #histories > 0 and histories or nil,
    cpp_intent_info = { source = source },
    client_time = now,
    time_at_request_send = now,
  }
end

-- What only this user may read: the editor's secret, the gateway's key, the service's cookies.
local function private_file(name, text)
  local folder = vim.fs.joinpath(vim.fn.stdpath("data"), "cursor_api")
  vim.fn.mkdir(folder, "p", tonumber("700", 8))
  local path = vim.fs.joinpath(folder, name)
  if text then
    local file = assert(vim.uv.fs_open(path, "w", tonumber("600", 8)))
    vim.uv.fs_write(file, text)
    vim.uv.fs_close(file)
  end
  return path
end

local function client_key()
  local path = private_file("client_key")
  local file = io.open(path, "r")
  local key = file and file:read("*l") or ""
  if file then
    file:close()
  end
  if not key:match("^%x+$") or #key ~= 64 then
    key = vim.uv.random(32):gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end)
    private_file("client_key", key .. "\n")
  end
  return key
end

-- Headers go by a file and the body by stdin: what stands in a command line, everybody can read.
local function curl()
  local headers = {
    "Authorization: Bearer " .. options.key,
    "Content-Type: application/json",
    "x-client-key: " .. client_key(),
  }
  local jar = private_file("cookies")
  local url = options.url:gsub("/+$", ""):gsub("/v1$", "") .. "/cpp/stream"
  return {
    "curl", "--silent", "--show-error", "--no-buffer", "--max-time", tostring(options.timeout),
    "--header", "@" .. private_file("headers", table.concat(headers, "\n") .. "\n"),
    "--cookie", jar, "--cookie-jar", jar, "--data-binary", "@-", url,
  }
end

-- The answer -------------------------------------------------------------------------------------

-- Lines `first` to `last`, from 1 and inclusive, become the text; none at all deletes them. The
-- lines of later edits are counted as if this one had been made.
local function make_edit(lines, edit)
  if edit.first < 1 or edit.first > #lines + 1 or edit.last < edit.first - 1 then
    return false
  end
  local text = edit.text:gsub("\r\n", "\n")
  if edit.remove_leading_eol then
    text = text:gsub("^\n", "", 1)
  end
  local new = edit.text == "" and {} or vim.split(text, "\n", { plain = true })
  local out = vim.list_slice(lines, 1, edit.first - 1)
  vim.list_extend(out, new)
  return vim.list_extend(out, lines, math.min(edit.last, #lines) + 1)
end

local function take(answer, event)
  local kind = event.type
  if kind == "range_replace" then
    answer.edit = {
      first = event.start_line_number,
      last = event.end_line_number_inclusive,
      remove_leading_eol = event.should_remove_leading_eol,
      text = "",
    }
  elseif kind == "text" and answer.edit then
    answer.edit.text = answer.edit.text .. event.text
  elseif kind == "done_edit" and answer.edit then
    answer.lines = make_edit(answer.lines, answer.edit) or answer.lines
    answer.edit = nil
  elseif kind == "cursor_prediction" then
    answer.jump = {
      path = event.relative_path,
      row = event.line_number_one_indexed,
      again = event.should_retrigger_cpp,
    }
  elseif kind == "error" then
    answer.trouble = event.error.details and event.error.details.detail or event.error.type
  elseif kind == "stream_end" then
    answer.ended = true
  end
end

-- Ghost text -------------------------------------------------------------------------------------

local function mark(buf, row, column, extra)
  vim.api.nvim_buf_set_extmark(buf, space, row, column, extra)
end

-- One line becomes another one: what both ends have in common stays as it is. Ends are moved to
-- where a character begins.
local function draw_line(buf, row, old, new)
  local most, start, stop = math.min(#old, #new), 0, 0
  while start < most and old:byte(start + 1) == new:byte(start + 1) do
    start = start + 1
  end
  if start < #new then
    start = start + vim.str_utf_start(new, start + 1)
  end
  while stop < most - start and old:byte(#old - stop) == new:byte(#new - stop) do
    stop = stop + 1
  end
  while stop > 0 and vim.str_utf_start(new, #new - stop + 1) ~= 0 do
    stop = stop - 1
  end
  if start < #old - stop then
    mark(buf, row, start, { end_col = #old - stop, hl_group = "CursorApiRemoved" })
  end
  local added = new:sub(start + 1, #new - stop)
  if added ~= "" then
    local text = { { added, "CursorApiGhost" } }
    mark(buf, row, #old - stop, { virt_text = text, virt_text_pos = "inline" })
  end
end

local function draw(buf, old, new)
  for _, change in ipairs(hunks(old, new)) do
    local a, count_a, b, count_b = unpack(change)
    local both = math.min(count_a, count_b)
    for at = 0, both - 1 do
      draw_line(buf, a - 1 + at, old[a + at], new[b + at])
    end
    for at = both, count_a - 1 do
      local row = a - 1 + at
      mark(buf, row, 0, { end_row = row, end_col = #old[a + at], hl_group = "CursorApiRemoved" })
    end
    if count_b > both then
      local added = vim.iter(vim.list_slice(new, b + both, b + count_b - 1))
      local virtual = added:map(function(line)
        return { { line, "CursorApiGhost" } }
      end)
      -- An insertion is told by the line before it, 0 being the top.
      local row = count_a > 0 and a + both - 2 or a - 1
      local above = row < 0
      local place = { virt_lines = virtual:totable(), virt_lines_above = above }
      mark(buf, math.max(row, 0), 0, place)
    end
  end
end

local function draw_jump(buf, jump)
  local text = (" ⇥ %s:%d"):format(jump.path, jump.row)
  local here = jump.path == vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buf), ":.")
  local row = here and jump.row or vim.api.nvim_win_get_cursor(0)[1]
  row = math.max(1, math.min(row, vim.api.nvim_buf_line_count(buf)))
  mark(buf, row - 1, 0, { virt_text = { { text, "CursorApiJump" } }, virt_text_pos = "eol" })
end

local function offer(offered)
  shown = offered
  vim.api.nvim_buf_clear_namespace(offered.buf, space, 0, -1)
  if offered.lines then
    draw(offered.buf, buffer_lines(offered.buf), offered.lines)
  elseif offered.jump then
    draw_jump(offered.buf, offered.jump)
  end
end

-- Asking -----------------------------------------------------------------------------------------

-- Ends the request on its way: when curl goes, the gateway cancels the service's call.
local function cancel()
  if timer then
    timer:stop()
  end
  if running then
    running.cancelled = true
    running.process:kill("sigterm")
    running = nil
  end
end

function M.dismiss()
  cancel()
  if shown and vim.api.nvim_buf_is_valid(shown.buf) then
    vim.api.nvim_buf_clear_namespace(shown.buf, space, 0, -1)
  end
  shown = nil
end

local function complain(text)
  if text ~= complained then
    complained = text
    vim.notify("cursor_api: " .. text, vim.log.levels.WARN)
  end
end

-- Answers of the gateway that are no stream say in JSON what is wrong.
local function trouble_of(answer, result)
  local ok, body = pcall(vim.json.decode, answer.rest)
  if ok and type(body) == "table" and type(body.error) == "table" then
    return body.error.details and body.error.details.detail or body.error.message or "refused"
  end
  return result.stderr ~= "" and vim.trim(result.stderr or "") or "the answer was cut"
end

local function finish(request, result)
  if request.cancelled then
    return
  end
  running = nil
  local answer, buf = request.answer, request.buf
  if answer.trouble or not answer.ended then
    return complain(answer.trouble or trouble_of(answer, result))
  end
  complained = nil
  local fresh = vim.api.nvim_buf_is_valid(buf)
    and vim.api.nvim_get_current_buf() == buf
    and vim.api.nvim_buf_get_changedtick(buf) == request.tick
  if not fresh then
    return
  end
  local changed = not vim.deep_equal(answer.lines, buffer_lines(buf))
  if changed or answer.jump then
    local lines = changed and answer.lines or nil
    offer({ buf = buf, row = request.row, tick = request.tick, lines = lines, jump = answer.jump })
  end
end

local function usable(buf)
  return vim.bo[buf].buftype == ""
    and vim.bo[buf].modifiable
    and vim.api.nvim_buf_get_name(buf) ~= ""
    and vim.api.nvim_buf_get_offset(buf, vim.api.nvim_buf_line_count(buf)) <= options.max_bytes
end

-- Asks for a completion at the cursor. `source` is a word of `cpp_intent_info.source`.
function M.complete(source)
  M.dismiss()
  local buf = vim.api.nvim_get_current_buf()
  if not usable(buf) then
    return
  end
  if not options.key then
    return complain("no key: set CURSOR_API_KEY, or `key` in setup")
  end
  local body = vim.json.encode(question(buf, source or "manual_trigger"))
  local request = {
    buf = buf,
    row = vim.api.nvim_win_get_cursor(0)[1],
    tick = vim.api.nvim_buf_get_changedtick(buf),
    answer = { lines = edits[buf].last, rest = "" },
  }
  local function read(_, data)
    local answer = request.answer
    answer.rest = answer.rest .. (data or "")
    while true do
      local line, rest = answer.rest:match("^(.-)\n(.*)$")
      if not line then
        return
      end
      answer.rest = rest
      if vim.startswith(line, "data: ") then
        take(answer, vim.json.decode(line:sub(7)))
      end
    end
  end
  local done = vim.schedule_wrap(function(result)
    finish(request, result)
  end)
  local ok, process = pcall(vim.system, curl(), { stdin = body, stdout = read }, done)
  if not ok then
    return complain("curl cannot be started")
  end
  request.process, running = process, request
end

local function ask_soon(source)
  M.dismiss()
  timer = timer or assert(vim.uv.new_timer())
  timer:start(options.debounce, 0, vim.schedule_wrap(function()
    M.complete(source)
  end))
end

-- Accepting --------------------------------------------------------------------------------------

local function go(jump)
  local path = vim.fs.normalize(jump.path)
  local name = vim.api.nvim_buf_get_name(0)
  if path ~= vim.fn.fnamemodify(name, ":.") then
    -- A file of this workspace, not whatever the answer names.
    local outside = vim.startswith(path, "/") or vim.startswith(path, "..") or path:find("/../", 1, true)
    if outside or vim.fn.filereadable(path) == 0 then
      return complain("the next place is in a file that is not here: " .. path)
    end
    vim.cmd.edit(vim.fn.fnameescape(path))
  end
  local row = math.max(1, math.min(jump.row, vim.api.nvim_buf_line_count(0)))
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(0, { row, #vim.api.nvim_buf_get_lines(0, row - 1, row, false)[1] })
  if jump.again then
    M.complete("cursor_prediction")
  end
end

local function apply(buf, new)
  settle(buf)
  local old = buffer_lines(buf)
  local changes = hunks(old, new)
  -- From the bottom, so that the numbers above stay right.
  for _, change in vim.iter(changes):rev():enumerate() do
    local a, count_a, b, count_b = unpack(change)
    local start = count_a > 0 and a - 1 or a
    local replacement = vim.list_slice(new, b, b + count_b - 1)
    vim.api.nvim_buf_set_lines(buf, start, start + count_a, false, replacement)
  end
  local _, _, b, count_b = unpack(changes[#changes])
  local row = math.max(1, math.min(b + math.max(count_b, 1) - 1, #new))
  vim.api.nvim_win_set_cursor(0, { row, #(new[row] or "") })
  settle(buf)
end

function M.visible()
  return shown ~= nil and vim.api.nvim_get_current_buf() == shown.buf
end

-- Makes the edits that are shown; when they are made, goes to the predicted place.
function M.accept()
  if not M.visible() then
    return
  end
  local taken = shown
  M.dismiss()
  if vim.api.nvim_buf_get_changedtick(taken.buf) ~= taken.tick then
    return
  end
  if not taken.lines then
    return go(taken.jump)
  end
  apply(taken.buf, taken.lines)
  if taken.jump then
    local row = vim.api.nvim_win_get_cursor(0)[1]
    local tick = vim.api.nvim_buf_get_changedtick(taken.buf)
    offer({ buf = taken.buf, row = row, tick = tick, jump = taken.jump })
  end
end

-- Setting up -------------------------------------------------------------------------------------

local function on_change(event)
  local own = shown and shown.tick == vim.api.nvim_buf_get_changedtick(event.buf)
  if usable(event.buf) and not own then
    note_edits(event.buf)
    ask_soon("typing")
  end
end

local function on_move()
  local asked = shown or running
  if asked and vim.api.nvim_win_get_cursor(0)[1] ~= asked.row then
    M.dismiss()
  end
end

local function map(key, action)
  vim.keymap.set({ "i", "n" }, key, function()
    if not M.visible() then
      return key
    end
    vim.schedule(action)
    return ""
  end, { expr = true, desc = "cursor_api" })
end

local function enable()
  local group = vim.api.nvim_create_augroup("cursor_api", { clear = true })
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ "TextChanged", "TextChangedI" }, on_change)
  on({ "CursorMoved", "CursorMovedI" }, on_move)
  -- What is read from disk is no edit of the user's.
  on({ "BufReadPost", "BufNewFile" }, function(event)
    edits[event.buf] = nil
  end)
  on({ "BufEnter", "InsertEnter" }, function(event)
    if usable(event.buf) then
      note_edits(event.buf)
    end
  end)
  on({ "BufLeave", "VimLeavePre" }, M.dismiss)
  on("BufWipeout", function(event)
    edits[event.buf] = nil
  end)
  local buf = vim.api.nvim_get_current_buf()
  if usable(buf) then
    note_edits(buf)
  end
end

function M.command(word)
  if word == "enable" then
    enable()
  elseif word == "disable" then
    M.dismiss()
    vim.api.nvim_create_augroup("cursor_api", { clear = true })
  elseif word == "complete" then
    M.complete()
  elseif word == "dismiss" then
    M.dismiss()
  else
    vim.notify("cursor_api: enable, disable, complete or dismiss", vim.log.levels.ERROR)
  end
end

function M.setup(given)
  options = vim.tbl_extend("force", options, given or {})
  vim.api.nvim_set_hl(0, "CursorApiGhost", { default = true, link = "Comment" })
  vim.api.nvim_set_hl(0, "CursorApiRemoved", { default = true, link = "DiffDelete" })
  vim.api.nvim_set_hl(0, "CursorApiJump", { default = true, link = "DiagnosticHint" })
  map(options.accept, M.accept)
  map(options.dismiss, M.dismiss)
  enable()
end

return M
