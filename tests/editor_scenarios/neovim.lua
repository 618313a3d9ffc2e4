-- A user of nvim-dap, headless: what happens is told as lines `scenario: JSON` on stderr.
-- SCENARIO is what happens ("session", "close" or "hang"), FILE and LINE the breakpoint, TARGET the container.

local dap = require("dap")
local widgets = require("dap.ui.widgets")

local limit_ms = 60000
local name = vim.env.TARGET

local function tell(what, facts)
  io.stderr:write("\nscenario: " .. vim.json.encode(vim.tbl_extend("force", { what = what }, facts or {})) .. "\n")
end

local function await(what, predicate)
  if not vim.wait(limit_ms, predicate, 20) then
    io.stderr:write("\nnot within " .. limit_ms .. " ms: " .. what .. "\n")
    vim.cmd("cquit")
  end
end

-- Choose what contains the text, wherever something is to be chosen.
local function choose_by(text)
  vim.ui.select = function(items, options, on_choice)
    for index, item in ipairs(items) do
      if options.format_item(item):find(text, 1, true) then
        return on_choice(item, index)
      end
    end
    io.stderr:write("\n" .. text .. " is not offered: " .. vim.inspect(vim.tbl_map(options.format_item, items)) .. "\n")
    vim.cmd("cquit")
  end
end

local stops = 0
dap.listeners.after.scopes.scenario = function()
  stops = stops + 1
end

local function await_stop(number)
  await("stop " .. number, function()
    return stops >= number
  end)
end

-- Tell the stack, and the place in the source that Neovim shows.
local function tell_stop(what)
  local session = dap.session()
  local frames = session.threads[session.stopped_thread_id].frames
  tell(what, {
    stack = vim.tbl_map(function(frame)
      return frame.name
    end, frames),
    shown = vim.api.nvim_buf_get_name(0),
    line = vim.api.nvim_win_get_cursor(0)[1],
  })
end

local function shown_in(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), "\n")
end

local scenarios = {}

function scenarios.session()
  choose_by("Attach to " .. name)
  vim.cmd("DapContinue")
  await_stop(1)
  tell_stop("stopped")
  local scopes = widgets.centered_float(widgets.scopes)
  await("the variables", function()
    return shown_in(scopes.buf):find("Registers\n", 1, true)
  end)
  tell("locals", { text = shown_in(scopes.buf) })
  scopes.close()
  vim.cmd("DapStepOver")
  await_stop(2)
  tell_stop("stepped")
  dap.repl.open()
  dap.repl.execute("round * 0 + 42")
  local repl = vim.fn.bufnr("dap-repl")
  await("an answer in the REPL", function()
    return shown_in(repl):find("\n42", 1, true)
  end)
  tell("evaluated", { text = shown_in(repl) })
  vim.cmd("DapDisconnect")
  await("the end of the session", function()
    return dap.session() == nil
  end)
  tell("disconnected")
  vim.cmd("quitall!")
end

local function stop_somewhere()
  choose_by(name)
  vim.cmd("DapbridgeAttach")
  await_stop(1)
  tell_stop("stopped")
end

function scenarios.close()
  stop_somewhere()
  vim.cmd("quitall!")
end

function scenarios.hang()
  stop_somewhere()
  while true do
    vim.wait(limit_ms)
  end
end

vim.cmd.edit(vim.env.FILE)
vim.api.nvim_win_set_cursor(0, { tonumber(vim.env.LINE), 0 })
vim.cmd("DapToggleBreakpoint")
scenarios[vim.env.SCENARIO]()
