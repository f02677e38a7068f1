-- SPDX-License-Identifier: MIT
-- Small helpers: messages, times, numbers and text for people.
local M = {}

M.uv = vim.uv or vim.loop

local levels = { error = vim.log.levels.ERROR, warning = vim.log.levels.WARN, info = vim.log.levels.INFO }

--- A message to the person. level: info (default), warning, error. It is shown by itself, and not
--- as an error of the command or autocommand that runs now.
function M.notify(text, level)
  vim.schedule(function()
    vim.notify('swarm: ' .. text, levels[level or 'info'])
  end)
end

--- Shows why a request failed. An end of the server was already reported once.
function M.report(err, what)
  if not err.ended then
    M.notify((what and what .. ': ' or '') .. (err.message or vim.inspect(err)), 'error')
  end
end

--- JSON null, which newer Neovim leaves in place, becomes nil all the way down.
function M.without_null(value)
  if value == vim.NIL then
    return nil
  end
  if type(value) == 'table' then
    for key, member in pairs(value) do
      if member == vim.NIL then
        value[key] = nil
      elseif type(member) == 'table' then
        M.without_null(member)
      end
    end
  end
  return value
end

-- Days since 1970 of a date of the Gregorian calendar; March is made the first month, so that
-- leap days come last.
local function days_since_epoch(year, month, day)
  if month <= 2 then
    year = year - 1
    month = month + 12
  end
  local days = 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return days + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

--- Seconds since 1970 of an RFC 3339 time in UTC, or nil.
function M.seconds(time)
  if type(time) ~= 'string' then
    return nil
  end
  local year, month, day, hour, minute, second = time:match('^(%d+)-(%d+)-(%d+)T(%d+):(%d+):([%d.]+)')
  if not year then
    return nil
  end
  local days = days_since_epoch(tonumber(year), tonumber(month), tonumber(day))
  return ((days * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60 + tonumber(second)
end

--- A length of time in one unit: 12s, 3m, 5h, 2d.
function M.duration(seconds)
  seconds = math.max(0, math.floor(seconds))
  if seconds < 60 then
    return seconds .. 's'
  elseif seconds < 3600 then
    return math.floor(seconds / 60) .. 'm'
  elseif seconds < 86400 then
    return math.floor(seconds / 3600) .. 'h'
  end
  return math.floor(seconds / 86400) .. 'd'
end

--- A count in at most four characters or so: 950, 12.3k, 4.0M.
function M.count(number)
  if number < 1000 then
    return tostring(number)
  elseif number < 999950 then
    return string.format('%.1fk', number / 1000)
  end
  return string.format('%.1fM', number / 1000000)
end

function M.plural(number, noun)
  return string.format('%d %s%s', number, noun, number == 1 and '' or 's')
end

--- One line of text: what would break a line or beep is made visible as a space.
function M.one_line(text)
  return (text:gsub('%c+', ' '))
end

--- The text cut or filled to exactly this many screen columns.
function M.fit(text, width)
  local have = vim.fn.strdisplaywidth(text)
  if have > width then
    if width < 1 then
      return ''
    end
    text = vim.fn.strcharpart(text, 0, width - 1)
    while vim.fn.strdisplaywidth(text) > width - 1 do
      text = vim.fn.strcharpart(text, 0, vim.fn.strchars(text) - 1)
    end
    text = text .. '…'
    have = vim.fn.strdisplaywidth(text)
  end
  return text .. string.rep(' ', width - have)
end

--- What a terminal would show in the end of lines that carry escapes and carriage returns.
function M.terminal_text(text)
  if text:find('\27', 1, true) then
    text = text:gsub('\27%[[%d;?]*[%a@]', ''):gsub('\27%][^\7\27]*\7?', '')
  end
  if text:find('\r', 1, true) then
    text = text:gsub('\r\n', '\n'):gsub('[^\n]*\r([^\n])', '%1'):gsub('\r', '')
  end
  return text
end

local LINE_MAX = 400 -- bytes

-- Where a piece of LINE_MAX and one bytes is broken: behind its last space, else between two
-- characters.
local function break_point(piece)
  local space = piece:sub(1, LINE_MAX):match('^.*() ')
  if space then
    return space
  end
  local point = LINE_MAX
  while point > 1 and piece:byte(point + 1) >= 0x80 and piece:byte(point + 1) < 0xC0 do
    point = point - 1
  end
  return point
end

--- The text as lines, none of them longer than a window can show with others: of a line that does
--- not fit, Vim shows nothing when the cursor is below it. Nothing is taken away or added but the
--- breaks, and they depend only on what stands before them.
function M.lines(text)
  local lines = {}
  for _, line in ipairs(vim.split(text, '\n', { plain = true })) do
    local from = 1
    while #line - from >= LINE_MAX do
      local piece = line:sub(from, from + LINE_MAX)
      local point = break_point(piece)
      table.insert(lines, piece:sub(1, point))
      from = from + point
    end
    table.insert(lines, line:sub(from))
  end
  return lines
end

--- A folder or file for people: ~ for the home folder, no file: in front.
function M.path(uri)
  local path = uri:match('^file:') and vim.uri_to_fname(uri) or uri
  return vim.fn.fnamemodify(path, ':~')
end

--- Calls fn soon after the returned function was called, and at most once in so many ms, however
--- often that was. Nothing runs while nobody calls.
function M.throttle(ms, fn)
  local waiting = false
  local last = -ms
  local timer
  local function run()
    waiting = false
    last = M.uv.now()
    fn()
  end
  return function()
    if waiting then
      return
    end
    waiting = true
    local wait = last + ms - M.uv.now()
    if wait <= 0 then
      vim.schedule(run)
    else
      timer = timer or M.uv.new_timer()
      timer:start(wait, 0, vim.schedule_wrap(run))
    end
  end
end

return M
